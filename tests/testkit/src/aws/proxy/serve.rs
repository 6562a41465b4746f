//! Connections, and the way of a request through the proxy.

use std::future::pending;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::faults::Fault;
use super::form::{Form, Service};
use super::refusal;

/// The connection breaks instead of an answer. HTTP servers close a connection whose request fails.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

/// Takes connections until it is stopped.
pub(super) async fn listen(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // The peer gave up before we looked.
                Err(error) => { tracing::debug!(%error, "accepting a connection"); continue }
            },
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(connection(stream, shared)).await });
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // The answers are small and everybody waits for them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "setting TCP_NODELAY");
    }
    let service = service_fn(|request| handle(Arc::clone(&shared), request));
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended");
    }
}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(|_| NoAnswer)?;
    let form = Form::new(&body);
    let (action, service) = (form.action(), form.service());
    let (place, fault) = {
        let mut state = shared.state();
        (state.journal.add(&action, service, body.clone()), state.faults.take(&action))
    };
    let answer = answer(&shared, service, fault, parts, body).await?;
    shared.state().journal.answered(place, answer.status().as_u16());
    Ok(answer)
}

async fn answer(
    shared: &Arc<Shared>,
    service: Service,
    fault: Option<Fault>,
    parts: Parts,
    body: Bytes,
) -> Result<Response<Body>, NoAnswer> {
    match fault {
        None => Ok(effect(shared, parts, body).await),
        Some(Fault::Refuse { status, code, message }) => {
            Ok(refusal::answer(service, status, &code, &message))
        }
        Some(Fault::LoseAnswer) => {
            effect(shared, parts, body).await;
            Err(NoAnswer)
        }
        Some(Fault::Hang) => pending::<Result<_, NoAnswer>>().await,
        Some(Fault::Freeze) => {
            effect(shared, parts, body).await;
            shared.frozen.notify_one();
            pending().await
        }
        Some(Fault::Delay(time)) => {
            let answer = effect(shared, parts, body).await;
            tokio::time::sleep(time).await;
            Ok(answer)
        }
    }
}

/// Does what was asked for. In a task of its own: a caller who goes away after asking does not undo it.
async fn effect(shared: &Arc<Shared>, parts: Parts, body: Bytes) -> Response<Body> {
    let account = shared.account.clone();
    let forwarded = tokio::spawn(async move { account.forward(parts, body).await });
    let reason = match forwarded.await {
        Ok(Ok(answer)) => return answer.map(Body::from),
        Ok(Err(error)) => error.to_string(),
        Err(stopped) => stopped.to_string(),
    };
    let mut answer = Response::new(Body::from(reason));
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer
}
