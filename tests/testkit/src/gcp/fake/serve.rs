//! The front over HTTP.

use std::io;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request as HttpRequest, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::refused::Refused;
use super::request::{Reply, Request, decode};
use super::{FakeCompute, NoAnswer};

/// A fake that listens; it stops when this is dropped.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Served {
    /// What the official client takes as endpoint: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl FakeCompute {
    /// Listens on a free port of the loopback interface.
    pub async fn serve(&self) -> io::Result<Served> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(listen(listener, self.clone(), stop.clone()));
        Ok(Served { address, _stop: stop.drop_guard() })
    }
}

async fn listen(listener: TcpListener, fake: FakeCompute, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // The peer gave up before we looked.
                Err(error) => { tracing::debug!(%error, "accepting a connection"); continue }
            },
        };
        let (fake, stop) = (fake.clone(), stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(connection(stream, fake)).await });
    }
}

async fn connection(stream: TcpStream, fake: FakeCompute) {
    // The answers are small and everybody waits for them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "setting TCP_NODELAY");
    }
    let service = service_fn(|request| answer(fake.clone(), request));
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// Answers one request. HTTP servers close a connection whose request fails.
async fn answer(fake: FakeCompute, request: HttpRequest<Incoming>) -> Result<Response<Body>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(|_| NoAnswer)?;
    let Some(path) = parts.uri.path().strip_prefix("/compute/v1/") else {
        let refused = Refused::new(404, "notFound", format!("The path {} is unknown.", parts.uri.path()));
        return Ok(response(&Reply::Json(404, refused.body())));
    };
    let body = match read(&body) {
        Ok(body) => body,
        Err(error) => {
            let refused = Refused::new(400, "parseError", format!("Parse Error: {error}"));
            return Ok(response(&Reply::Json(400, refused.body())));
        }
    };
    let request = Request {
        http_method: parts.method.to_string(),
        path: path.to_owned(),
        query: decode(parts.uri.query().unwrap_or_default()),
        body,
    };
    // In a task of its own: a caller who goes away after asking does not undo it.
    let handled = tokio::spawn(async move { fake.handle(&request).await });
    handled.await.map_err(|_| NoAnswer)?.map(|reply| response(&reply))
}

fn read(body: &Bytes) -> serde_json::Result<Option<serde_json::Value>> {
    if body.is_empty() { Ok(None) } else { serde_json::from_slice(body) }
}

fn response(reply: &Reply) -> Response<Body> {
    let (kind, text) = match reply {
        Reply::Json(_, body) => ("application/json; charset=UTF-8", body.to_string()),
        Reply::Html(status) => ("text/html; charset=UTF-8", Reply::page(*status)),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() =
        StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
