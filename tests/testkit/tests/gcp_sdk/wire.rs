//! Requests as a server sees them.

use landfall_gcp::api::{Compute, Kind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::common::{body, id, it, sdk};

#[tokio::test]
async fn an_insert_says_who_asks_and_which_request_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut request, mut bytes) = (String::new(), [0; 4096]);
        while !request.ends_with('}') {
            let read = stream.read(&mut bytes).await.unwrap();
            assert_ne!(read, 0, "{request}");
            request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        let body = r#"{"name":"operation-1","status":"SOON"}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        request
    });
    let id = id();
    let what = it(Kind::Address);
    let operation = sdk(&endpoint).await.insert(&what, body(Kind::Address), id).await.unwrap();
    // A word that the client does not know is of an operation that has not ended.
    assert_eq!(
        (operation.name.as_str(), operation.status),
        ("operation-1", landfall_gcp::api::operation::Status::Running)
    );

    let request = server.await.unwrap();
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    let line = head.lines().next().unwrap();
    assert!(line.starts_with(&format!("POST /compute/v1/{}/addresses?", what.place)), "{line}");
    assert!(line.contains(&format!("requestId={id}")), "{line}");
    let agent = format!("user-agent: landfall/{}", env!("CARGO_PKG_VERSION"));
    assert!(head.to_ascii_lowercase().contains(&agent), "{head}");
    assert!(!head.to_ascii_lowercase().contains("authorization"), "a fake gets no credentials: {head}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(sent).unwrap(), body(Kind::Address));
}
