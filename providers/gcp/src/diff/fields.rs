//! Which fields of a resource differ from the wish.
//!
//! Both are compared in the API's JSON, field by field of those that we set, with what Google fills in where nothing was
//! said. All other fields are left as they are.

use std::collections::BTreeSet;

use ipnet::IpNet;
use landfall_core::plan::FieldDiff;
use serde_json::{Map, Value, json};

use crate::api::{Kind, Reference};
use crate::change::{Change, Stage, What, short};
use crate::observe::{Observed, Thing};

/// What makes a resource as wanted; `None` if it is.
pub(super) fn change(observed: &Observed, stage: Stage, reference: &Reference, it: Thing) -> Option<Change> {
    let Some(found) = observed.things.get(reference) else {
        return Some(Change::new(stage, reference, What::Insert(Box::new(it))));
    };
    let fields = differences(reference.kind, &it, &found.it);
    let update = || Change::new(stage, reference, What::Update(Box::new(it))).telling(fields.clone());
    (!fields.is_empty()).then(update)
}

/// The fields that differ.
pub(super) fn differences(kind: Kind, wanted: &Thing, there: &Thing) -> Vec<FieldDiff> {
    let (wanted, there) = (object(wanted), object(there));
    let differs = fields(kind).iter().filter_map(|(name, form)| {
        let (from, to) = (there.get(*name), wanted.get(*name));
        let (from, to) = (normal(form, from, to), normal(form, to, to));
        let told = |value: Value| Some(short(value)).filter(|value| !value.is_null());
        (from != to).then(|| FieldDiff { field: (*name).to_owned(), from: told(from), to: told(to) })
    });
    differs.collect()
}

/// How the value of a field is compared.
enum Form {
    /// A word, number or flag, and what it is where nothing was said.
    Plain(fn() -> Value),
    /// Texts in any order.
    Texts,
    /// Ranges of addresses in any order.
    Ranges,
    /// URLs in any order.
    Urls,
    /// Groups behind a backend service, in any order.
    Backends,
    /// Protocols with ports, in any order.
    Ports,
    /// An object whose fields are these, with what they are where nothing was said. A field without a default is
    /// compared where the wish says something.
    Fields(fn() -> Value),
    /// Logging: nothing else counts while it is off.
    Logging,
}

/// The fields that we set on what can be changed.
fn fields(kind: Kind) -> &'static [(&'static str, Form)] {
    match kind {
        Kind::BackendService => &BACKEND_SERVICE,
        Kind::HealthCheck => &HEALTH_CHECK,
        Kind::Firewall => &FIREWALL,
        _ => &[],
    }
}

const BACKEND_SERVICE: [(&str, Form); 9] = [
    ("protocol", Form::Plain(|| json!("TCP"))),
    ("sessionAffinity", Form::Plain(|| json!("NONE"))),
    ("healthChecks", Form::Urls),
    ("backends", Form::Backends),
    ("connectionDraining", Form::Fields(|| json!({ "drainingTimeoutSec": 0 }))),
    ("connectionTrackingPolicy", Form::Fields(tracking)),
    ("localityLbPolicy", Form::Plain(|| json!("MAGLEV"))),
    ("networkPassThroughLbTrafficPolicy", Form::Fields(zonal_affinity)),
    ("logConfig", Form::Logging),
];

const HEALTH_CHECK: [(&str, Form); 8] = [
    ("type", Form::Plain(|| Value::Null)),
    ("checkIntervalSec", Form::Plain(|| json!(5))),
    ("timeoutSec", Form::Plain(|| json!(5))),
    ("healthyThreshold", Form::Plain(|| json!(2))),
    ("unhealthyThreshold", Form::Plain(|| json!(2))),
    ("httpHealthCheck", Form::Fields(http_check)),
    ("httpsHealthCheck", Form::Fields(http_check)),
    ("tcpHealthCheck", Form::Fields(|| json!({ "port": 0 }))),
];

const FIREWALL: [(&str, Form); 9] = [
    ("direction", Form::Plain(|| json!("INGRESS"))),
    ("priority", Form::Plain(|| json!(1000))),
    ("allowed", Form::Ports),
    ("denied", Form::Ports),
    ("sourceRanges", Form::Ranges),
    ("destinationRanges", Form::Ranges),
    ("targetTags", Form::Texts),
    ("targetServiceAccounts", Form::Texts),
    ("disabled", Form::Plain(|| json!(false))),
];

fn tracking() -> Value {
    json!({
        "trackingMode": "PER_CONNECTION",
        "connectionPersistenceOnUnhealthyBackends": "DEFAULT_FOR_PROTOCOL",
        "enableStrongAffinity": false,
        "idleTimeoutSec": null,
    })
}

fn zonal_affinity() -> Value {
    json!({ "zonalAffinity": { "spillover": "ZONAL_AFFINITY_DISABLED", "spilloverRatio": null } })
}

fn http_check() -> Value {
    json!({ "port": 0, "requestPath": "/" })
}

/// A value in the form in which it is compared with a wish.
fn normal(form: &Form, value: Option<&Value>, wish: Option<&Value>) -> Value {
    let items = || value.and_then(Value::as_array).into_iter().flatten();
    match form {
        Form::Plain(default) => value.cloned().unwrap_or_else(default),
        Form::Texts => sorted(items().filter_map(Value::as_str).map(str::to_owned)),
        Form::Ranges => sorted(items().filter_map(Value::as_str).map(range)),
        Form::Urls => sorted(items().filter_map(Value::as_str).map(url)),
        Form::Backends => sorted(items().map(backend)),
        Form::Ports => sorted(items().map(ports)),
        Form::Fields(default) => with_defaults(value, wish, &default()),
        Form::Logging => {
            let is_on = |value: &&Value| value.get("enable") == Some(&json!(true));
            let default = json!({ "enable": true, "sampleRate": 1.0, "optionalMode": "EXCLUDE_ALL_OPTIONAL", "optionalFields": [] });
            value.filter(is_on).map_or(Value::Null, |value| with_defaults(Some(value), wish, &default))
        }
    }
}

/// The fields that the default names, and what they are.
fn with_defaults(value: Option<&Value>, wish: Option<&Value>, default: &Value) -> Value {
    let Value::Object(defaults) = default else { return value.unwrap_or(default).clone() };
    let mut all = Map::new();
    for (key, default) in defaults {
        let (value, wish) = (value.and_then(|it| it.get(key)), wish.and_then(|it| it.get(key)));
        if default.is_null() && wish.is_none() {
            continue;
        }
        all.insert(key.clone(), with_defaults(value, wish, default));
    }
    Value::Object(all)
}

fn sorted(items: impl Iterator<Item = String>) -> Value {
    json!(items.collect::<BTreeSet<_>>())
}

fn url(text: &str) -> String {
    Reference::parse(text).map_or_else(|| text.to_owned(), |reference| reference.to_string())
}

/// A lone address is a range of one.
fn range(text: &str) -> String {
    let one = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
    let read = text.parse::<IpNet>().ok().or_else(one);
    read.map_or_else(|| text.to_owned(), |range| range.trunc().to_string())
}

fn backend(value: &Value) -> String {
    let group = value.get("group").and_then(Value::as_str).map(url).unwrap_or_default();
    let failover = value.get("failover") == Some(&json!(true));
    if failover { format!("{group} for failover") } else { group }
}

fn ports(value: &Value) -> String {
    let protocol = value.get("IPProtocol").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let ports = value.get("ports").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let ports: BTreeSet<&str> = ports.collect();
    format!("{protocol}:{}", ports.into_iter().collect::<Vec<_>>().join(","))
}

fn object(thing: &Thing) -> Map<String, Value> {
    match thing.to_json() {
        Ok(Value::Object(fields)) => fields,
        // Made of texts and numbers that came from JSON, it always has this form.
        _ => Map::new(),
    }
}
