//! The metadata server of Google's machines, also that of GKE's workload identity: project and zone of the machine.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio::time::sleep;

/// Where it is on every machine of Google's.
const HOST: &str = "metadata.google.internal";
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is asked: that of a pod's node takes a few seconds to know a new pod.
const ATTEMPTS: u32 = 3;
/// Time from one attempt to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// Why the metadata server tells nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum MetadataError {
    /// No answer.
    #[error("no answer")]
    NoAnswer(#[from] reqwest::Error),
    /// Something else answered.
    #[error("what answers there is not a metadata server")]
    NotOne,
    /// An error.
    #[error("it answered HTTP {0}")]
    Refused(StatusCode),
    /// A zone that is none.
    #[error("the zone {0:?} is not of the form projects/NUMBER/zones/REGION-LETTER")]
    BadZone(String),
}

impl MetadataError {
    /// Whether asking again may help.
    fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Refused(status) => status.is_server_error(),
            Self::NotOne | Self::BadZone(_) => false,
        }
    }
}

/// The metadata server.
#[derive(Debug)]
pub(super) struct Metadata {
    host: String,
}

impl Metadata {
    /// The one there, or Google's.
    pub(super) fn at(host: Option<&str>) -> Self {
        Self { host: host.unwrap_or(HOST).to_owned() }
    }

    /// Host and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The project id of the machine.
    pub(super) async fn project(&self) -> Result<String, MetadataError> {
        self.ask("project/project-id").await
    }

    /// The region of the machine: that of its zone.
    pub(super) async fn region(&self) -> Result<String, MetadataError> {
        let path = self.ask("instance/zone").await?;
        match region(&path) {
            Some(region) => Ok(region.to_owned()),
            None => Err(MetadataError::BadZone(path)),
        }
    }

    async fn ask(&self, what: &str) -> Result<String, MetadataError> {
        let mut attempt = 1;
        loop {
            match self.ask_once(what).await {
                Err(error) if attempt < ATTEMPTS && error.may_pass() => {
                    attempt += 1;
                    sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    async fn ask_once(&self, what: &str) -> Result<String, MetadataError> {
        const FLAVOR: &str = "Metadata-Flavor";
        // It is on this machine: no proxy leads there.
        let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let url = format!("http://{}/computeMetadata/v1/{what}", self.host);
        let answer = client.get(url).header(FLAVOR, "Google").send().await?;
        if answer.headers().get(FLAVOR).is_none_or(|flavor| flavor != "Google") {
            return Err(MetadataError::NotOne);
        }
        if !answer.status().is_success() {
            return Err(MetadataError::Refused(answer.status()));
        }
        Ok(answer.text().await?.trim().to_owned())
    }
}

/// The region of a zone's path, such as `projects/123/zones/europe-west3-a`.
fn region(path: &str) -> Option<&str> {
    let (before, zone) = path.rsplit_once('/')?;
    let (region, letter) = zone.rsplit_once('-')?;
    (before.ends_with("/zones") && !region.is_empty() && !letter.is_empty()).then_some(region)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("projects/123/zones/europe-west3-a", Some("europe-west3"))]
    #[case("europe-west3-a", None)]
    #[case("projects/123/zones/nowhere", None)]
    #[case("projects/123/regions/europe-west3", None)]
    #[case("", None)]
    fn a_zone_tells_its_region(#[case] path: &str, #[case] wanted: Option<&str>) {
        assert_eq!(region(path), wanted);
    }
}
