//! An account in moto, and plain EC2 calls to it that no journal counts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::xml;

/// The region of all tests.
pub const REGION: &str = "us-east-1";

/// What moto takes the account from before it looks at credentials.
const ACCOUNT_HEADER: HeaderName = HeaderName::from_static("x-moto-account-id");

/// One account of a moto; clones are the same account.
#[derive(Debug, Clone)]
pub struct Account {
    moto: SocketAddr,
    id: Arc<str>,
    client: Client<HttpConnector, Body>,
}

/// Why a call of a test's own failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// moto did not answer.
    #[error("moto: {0}")]
    NoAnswer(String),
    /// moto refused.
    #[error("moto: {action}: HTTP {status}: {body}")]
    Refused {
        /// What was asked.
        action: String,
        /// HTTP status.
        status: u16,
        /// The answer as it came.
        body: String,
    },
    /// moto's answer lacks something.
    #[error("moto: {action}: no <{element}> in {body}")]
    Lacks {
        /// What was asked.
        action: String,
        /// The element that is looked for.
        element: &'static str,
        /// The answer as it came.
        body: String,
    },
}

impl Account {
    /// An account that nothing in this process has used.
    pub(super) fn new(moto: SocketAddr) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(100_000_000_001);
        let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string().into();
        Self { moto, id, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Its number, 12 digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks moto for what was asked for, as this account.
    pub(super) async fn forward(&self, parts: Parts, body: Bytes) -> Result<Response<Bytes>, CallError> {
        let mut request = Request::from_parts(parts, Body::from(body));
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() =
            format!("http://{}{path}", self.moto).parse().map_err(|error| no_answer(&error))?;
        let headers = request.headers_mut();
        headers.remove(header::HOST);
        headers.insert(ACCOUNT_HEADER, HeaderValue::from_str(&self.id).map_err(|error| no_answer(&error))?);
        let (parts, body) =
            self.client.request(request).await.map_err(|error| no_answer(&error))?.into_parts();
        let body =
            axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(|error| no_answer(&error))?;
        Ok(Response::from_parts(parts, body))
    }

    /// Calls EC2 past every proxy: what a test does to the world, and not the provider.
    pub async fn ec2(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Reply, CallError> {
        let mut form = format!("Action={action}&Version=2016-11-15");
        for (key, value) in parameters {
            form.extend(["&", key, "="]);
            form.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        // moto takes service and region from what would be signed, and checks no signature.
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=test/20150101/{REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, signed)
            .body(())
            .map_err(|error| no_answer(&error))?;
        let answer = self.forward(request.into_parts().0, form.into()).await?;
        let status = answer.status();
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        let action = action.to_owned();
        if status.is_success() {
            Ok(Reply { action, body })
        } else {
            Err(CallError::Refused { action, status: status.as_u16(), body })
        }
    }
}

/// The answer to a call of a test's own.
#[derive(Debug)]
pub struct Reply {
    action: String,
    body: String,
}

impl Reply {
    /// The text of the first element of that name.
    pub fn text(&self, element: &'static str) -> Result<&str, CallError> {
        self.texts(element).into_iter().next().ok_or_else(|| CallError::Lacks {
            action: self.action.clone(),
            element,
            body: self.body.clone(),
        })
    }

    /// The texts of all elements of that name.
    pub fn texts(&self, element: &str) -> Vec<&str> {
        xml::texts(&self.body, element)
    }
}

fn no_answer(error: &dyn std::error::Error) -> CallError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    CallError::NoAnswer(format!("{error}{cause}"))
}
