//! Health checks.

use super::super::json::{Fields, absent, default, number, text};
use super::super::refused::{Done, refuse};

/// Types, the field that goes with each, and the port that it looks at unless told.
const TYPES: [(&str, &str, i64); 3] =
    [("HTTP", "httpHealthCheck", 80), ("HTTPS", "httpsHealthCheck", 443), ("TCP", "tcpHealthCheck", 80)];

/// Fields of types that passthrough load balancers of ours never use.
const OTHERS: [&str; 4] = ["grpcHealthCheck", "grpcTlsHealthCheck", "http2HealthCheck", "sslHealthCheck"];

/// Checks a health check, and fills in the defaults.
pub(super) fn complete(body: &mut Fields) -> Done<()> {
    let wanted = text(body, "type").unwrap_or_default().to_owned();
    let Some((_, field, port)) = TYPES.into_iter().find(|(word, ..)| *word == wanted) else {
        let message = format!("Invalid value for field 'resource.type': '{wanted}'. HTTP, HTTPS or TCP.");
        return refuse(400, "invalid", message);
    };
    let others: Vec<&str> =
        TYPES.iter().map(|(_, field, _)| *field).filter(|other| *other != field).collect();
    absent(body, &OTHERS, "Supported here: HTTP, HTTPS and TCP.")?;
    absent(body, &others, "Cannot be set with another type of health check.")?;
    let interval = number(body, "checkIntervalSec", 5, 1, 300)?;
    number(body, "timeoutSec", 5.min(interval), 1, interval)?;
    number(body, "healthyThreshold", 2, 1, 10)?;
    number(body, "unhealthyThreshold", 2, 1, 10)?;
    let probe = body.entry(field).or_insert_with(|| Fields::new().into());
    let Some(probe) = probe.as_object_mut() else { return Ok(()) };
    number(probe, "port", port, 1, 65_535)?;
    default(probe, "proxyHeader", "NONE");
    if wanted != "TCP" {
        default(probe, "requestPath", "/");
    }
    Ok(())
}
