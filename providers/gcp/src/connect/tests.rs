use std::io::Write as _;
use std::net::Ipv4Addr;

use rstest::rstest;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A metadata server that answers each path of `tells` with its text, and 404 to others. Fails a request without the
/// header that keeps browsers and proxies out.
async fn metadata(tells: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut bytes) = (String::new(), [0; 1024]);
            while !request.contains("\r\n\r\n") {
                let read = stream.read(&mut bytes).await.unwrap();
                request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            assert!(request.to_ascii_lowercase().contains("metadata-flavor: google"), "{request}");
            let asked = |path: &str| request.starts_with(&format!("GET /computeMetadata/v1/{path} HTTP/1.1"));
            let told = tells.iter().find(|(path, _)| asked(path)).map(|(_, text)| *text);
            let (status, text) = told.map_or(("404 Not Found", ""), |text| ("200 OK", text));
            let length = text.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nMetadata-Flavor: Google\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(format!("{head}{text}").as_bytes()).await.unwrap();
        }
    });
    host
}

/// To a fake: without credentials, so that nothing of the machine matters.
fn options() -> Options {
    Options {
        project: Some("p".to_owned()),
        region: Some("r".to_owned()),
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        ..Options::default()
    }
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// An error and its causes.
fn text(error: &ConnectError) -> String {
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What a machine of Google's tells.
const MACHINE: &[(&str, &str)] =
    &[("project/project-id", "web-production\n"), ("instance/zone", "projects/12/zones/europe-west3-a")];

#[rstest]
#[case(None, None, MACHINE, Some("web-production"), Some("europe-west3"))]
#[case(Some("web-production"), None, MACHINE, Some("web-production"), Some("europe-west3"))]
#[case(None, Some("us-east1"), MACHINE, Some("web-production"), Some("us-east1"))]
#[case::machine_of_another_project(Some("p"), None, MACHINE, Some("p"), None)]
#[case::all_told(Some("p"), Some("r"), &[], Some("p"), Some("r"))]
#[case::nobody_tells(None, None, &[], None, None)]
#[case::odd_zone(None, None, &[("project/project-id", "p"), ("instance/zone", "nowhere")], None, None)]
#[tokio::test]
async fn the_machine_tells_what_is_not_told(
    #[case] project: Option<&str>,
    #[case] region: Option<&str>,
    #[case] machine: &'static [(&'static str, &'static str)],
    #[case] found_project: Option<&str>,
    #[case] found_region: Option<&str>,
) {
    let (project, region) = (project.map(str::to_owned), region.map(str::to_owned));
    let metadata = Some(metadata(machine).await);
    let found = connect(&Options { project, region, metadata, ..options() }).await.unwrap();
    assert_eq!((found.project.as_deref(), found.region.as_deref()), (found_project, found_region));
}

#[rstest]
#[case(Some("p"), Some("r"), "")]
#[case(Some("p"), None, "the GCP region is not known, .* set --gcp-region (LANDFALL_GCP_REGION)")]
#[case(None, Some("r"), "the GCP project is not known, .* set --gcp-project (LANDFALL_GCP_PROJECT)")]
#[case(
    None,
    None,
    "the GCP project and region are not known, .* \
     set --gcp-project (LANDFALL_GCP_PROJECT) and --gcp-region (LANDFALL_GCP_REGION)"
)]
#[tokio::test]
async fn what_nobody_tells_is_named_with_its_flag(
    #[case] project: Option<&str>,
    #[case] region: Option<&str>,
    #[case] wanted: &str,
) {
    let (project, region) = (project.map(str::to_owned), region.map(str::to_owned));
    let found = connect(&Options { project, region, ..options() }).await.unwrap();
    let told = found.require_place().map_err(|error| text(&error)).err().unwrap_or_default();
    let (start, end) = wanted.split_once(".*").unwrap_or((wanted, ""));
    assert!(told.starts_with(start) && told.ends_with(end), "{told}");
    assert_eq!(told.is_empty(), wanted.is_empty(), "{told}");
}

#[tokio::test]
async fn a_fake_is_on_no_machine() {
    let found = connect(&Options { project: None, region: None, ..options() }).await.unwrap();
    assert_eq!((found.project, found.region), (None, None));
}

#[rstest]
#[case(Options { project: Some("My Project".to_owned()), ..options() }, "GCP project \"My Project\" is not")]
#[case(Options { region: Some(String::new()), ..options() }, "GCP region \"\" is not")]
#[case(Options { region: Some("eu:west".to_owned()), ..options() }, "GCP region \"eu:west\" is not")]
#[case(Options { endpoint: Some("localhost:1".to_owned()), ..options() }, "GCP endpoint \"localhost:1\" is not")]
#[case(Options { endpoint: Some("http:///x".to_owned()), ..options() }, "GCP endpoint \"http:///x\" is not")]
#[case(
    Options { credentials: Some("/nowhere/key.json".into()), endpoint: None, ..options() },
    "GCP credentials file /nowhere/key.json cannot be read: No such file"
)]
#[tokio::test]
async fn bad_settings_are_named(#[case] options: Options, #[case] wanted: &str) {
    let told = text(&connect(&options).await.unwrap_err());
    assert!(told.starts_with(wanted), "{told}");
}

#[tokio::test]
async fn projects_of_a_domain_have_its_name() {
    connect(&Options { project: Some("example.com:web".to_owned()), ..options() }).await.unwrap();
}

#[tokio::test]
async fn credentials_are_not_sent_in_the_clear() {
    let key = file("{\"type\": \"service_account\"}");
    let told = Options { credentials: Some(key.path().to_owned()), ..options() };
    assert!(matches!(connect(&told).await.unwrap_err(), ConnectError::Unprotected { .. }));
}

#[rstest]
#[case("{", "EOF while parsing")]
#[case("{}", "it has no type; accepted are service_account, ")]
#[case("{\"type\": \"magic\"}", "it has type \"magic\"; accepted are service_account, ")]
#[case("{\"type\": \"service_account\"}", "")]
#[tokio::test]
async fn a_bad_credentials_file_is_named(#[case] content: &str, #[case] why: &str) {
    let key = file(content);
    let told = Options { credentials: Some(key.path().to_owned()), endpoint: None, ..options() };
    let told = text(&connect(&told).await.unwrap_err());
    let start = format!("GCP credentials file {}: {why}", key.path().display());
    assert!(told.starts_with(&start), "{told}");
}

#[tokio::test]
async fn a_good_credentials_file_is_taken() {
    let key = file(
        "{\"type\": \"authorized_user\", \"client_id\": \"i\", \"client_secret\": \"s\", \
         \"refresh_token\": \"t\"}",
    );
    let (credentials, quota_project) = (Some(key.path().to_owned()), Some("bills".to_owned()));
    connect(&Options { credentials, quota_project, endpoint: None, ..options() }).await.unwrap();
}
