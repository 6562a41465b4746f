//! The server on a TCP port, in plain HTTP/1.1.

use std::net::SocketAddr;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::server::ApiService;

/// A listening server. Dropping it stops to listen and ends the connections after their running requests.
#[derive(Debug)]
pub struct Served {
    addr: SocketAddr,
    stop: DropGuard,
    connections: TaskTracker,
}

impl Served {
    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A kubeconfig for this address, as YAML.
    pub fn kubeconfig(&self) -> String {
        kubeconfig(self.addr)
    }

    /// A kube client that connects through TCP.
    pub fn client(&self) -> Result<kube::Client, kube::Error> {
        // The address of a listening socket is always a valid authority.
        let uri = format!("http://{}", self.addr).parse().unwrap_or_default();
        kube::Client::try_from(kube::Config::new(uri))
    }

    /// Stops to listen, ends running watches of this listener's connections, and waits for the connections.
    pub async fn stop(self) {
        self.stop.disarm().cancel();
        self.connections.wait().await;
    }
}

/// A kubeconfig for a server in plain HTTP without authentication, as YAML.
pub fn kubeconfig(addr: SocketAddr) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: landfall\nclusters:\n- name: landfall\n  cluster:\n    server: http://{addr}\nusers:\n- name: landfall\n  user: {{}}\ncontexts:\n- name: landfall\n  context:\n    cluster: landfall\n    user: landfall\n    namespace: default\n"
    )
}

pub(super) async fn serve(
    service: ApiService,
    addr: SocketAddr,
    stop: CancellationToken,
) -> std::io::Result<Served> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let connections = TaskTracker::new();
    connections.spawn(accept(listener, service, stop.clone(), connections.clone()));
    connections.close();
    Ok(Served { addr, stop: stop.drop_guard(), connections })
}

async fn accept(
    listener: TcpListener,
    service: ApiService,
    stop: CancellationToken,
    connections: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, service.until(stop.clone()), stop.clone()));
            }
            // The peer gave up before we looked; a lack of file descriptors shows here too.
            Err(error) => tracing::warn!(%error, "accepting a connection"),
        }
    }
}

async fn connection(stream: TcpStream, service: ApiService, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "setting TCP_NODELAY");
    }
    let connection =
        http1::Builder::new().serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubeconfig_is_one() {
        let text = kubeconfig(([127, 0, 0, 1], 1234).into());
        let config = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        let cluster = config.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.server.as_deref(), Some("http://127.0.0.1:1234"));
        assert_eq!(config.current_context.as_deref(), Some("landfall"));
    }
}
