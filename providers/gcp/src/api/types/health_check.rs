//! Health checks.

use serde::{Deserialize, Serialize};

use super::{Rest, resource};

/// A regional health check.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Name.
    pub name: String,
    /// Free text; ours holds our marks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `HTTP`, `HTTPS` or `TCP`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    pub check_type: Option<String>,
    /// Seconds between two checks, 1 to 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_interval_sec: Option<u32>,
    /// Seconds until a check has failed; at most the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u32>,
    /// Successes in a row that make a node healthy, 1 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_threshold: Option<u32>,
    /// Failures in a row that make a node unhealthy, 1 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold: Option<u32>,
    /// With the type `HTTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_health_check: Option<HttpCheck>,
    /// With the type `HTTPS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https_health_check: Option<HttpCheck>,
    /// With the type `TCP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_health_check: Option<TcpCheck>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
resource!(HealthCheck, HealthCheck);

/// A GET request that 200 answers well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpCheck {
    /// Port on the node.
    #[serde(default)]
    pub port: u16,
    /// Path; `/` unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_path: Option<String>,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A connection that is opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpCheck {
    /// Port on the node.
    #[serde(default)]
    pub port: u16,
    /// What has no name here.
    #[serde(flatten)]
    pub rest: Rest,
}
