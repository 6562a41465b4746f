//! Decoding of built-in kinds through their generated types, as the real server does: unknown fields and
//! nulls go, wrong types are refused.

use k8s_openapi::ByteString;
use k8s_openapi::api::{apps, coordination, core, discovery, rbac};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ApiError;
use super::kinds::Kind;
use super::metadata;

/// The canonical form of `object`, which is in its stored version. Of custom kinds only the metadata has a type.
pub(crate) fn decode(kind: &Kind, object: Value) -> Result<Value, ApiError> {
    let mut decoded = if kind.custom.is_some() { object } else { built_in(kind, object)? };
    // Before anybody compares: an empty map says the same as none, and is owned by nobody.
    metadata::tidy(&mut decoded);
    Ok(decoded)
}

fn built_in(kind: &Kind, object: Value) -> Result<Value, ApiError> {
    let decoded = match kind.kind.as_str() {
        "Service" => round_trip::<core::v1::Service>(object),
        "Node" => round_trip::<core::v1::Node>(object),
        "Namespace" => round_trip::<core::v1::Namespace>(object),
        "Event" => round_trip::<core::v1::Event>(object),
        "Secret" => serde_json::from_value(object).map(merge_plain_text).and_then(serde_json::to_value),
        "ConfigMap" => round_trip::<core::v1::ConfigMap>(object),
        "ServiceAccount" => round_trip::<core::v1::ServiceAccount>(object),
        "Pod" => round_trip::<core::v1::Pod>(object),
        "Endpoints" => round_trip::<core::v1::Endpoints>(object),
        "EndpointSlice" => round_trip::<discovery::v1::EndpointSlice>(object),
        "Lease" => round_trip::<coordination::v1::Lease>(object),
        "Deployment" => round_trip::<apps::v1::Deployment>(object),
        "DaemonSet" => round_trip::<apps::v1::DaemonSet>(object),
        "Role" => round_trip::<rbac::v1::Role>(object),
        "RoleBinding" => round_trip::<rbac::v1::RoleBinding>(object),
        "ClusterRole" => round_trip::<rbac::v1::ClusterRole>(object),
        "ClusterRoleBinding" => round_trip::<rbac::v1::ClusterRoleBinding>(object),
        "CustomResourceDefinition" => round_trip::<CustomResourceDefinition>(object),
        _ => Ok(object),
    };
    decoded.map_err(|problem| {
        ApiError::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {problem}",
            kind.kind, kind.version, kind.kind
        ))
    })
}

fn round_trip<T: DeserializeOwned + Serialize>(object: Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(object)?)
}

/// `stringData` is for writing only: it lands in `data`.
fn merge_plain_text(mut secret: core::v1::Secret) -> core::v1::Secret {
    if let Some(plain) = secret.string_data.take() {
        let encoded = plain.into_iter().map(|(key, text)| (key, ByteString(text.into_bytes())));
        secret.data.get_or_insert_default().extend(encoded);
    }
    secret.type_.get_or_insert_with(|| "Opaque".to_owned());
    secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apiserver::kinds::Registry;
    use serde_json::json;

    #[test]
    fn every_builtin_kind_decodes_a_bare_object() {
        for kind in Registry::default().all() {
            let stored = kind.view.stored(json!({"apiVersion": kind.api_version(), "kind": kind.kind,
                "metadata": {"name": "x"}}));
            let decoded = decode(&kind, stored.clone()).unwrap();
            assert_eq!(decoded["metadata"]["name"], "x", "{}", kind.plural);
            assert_eq!(decoded["kind"], stored["kind"]);
        }
    }

    #[test]
    fn nulls_and_unknown_fields_go_and_wrong_types_are_refused() {
        let service = Registry::default().of("v1", "Service").unwrap();
        let body = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec});
        let decoded =
            decode(&service, body(json!({"type": null, "colour": "red", "sessionAffinity": "None"})))
                .unwrap();
        assert_eq!(decoded["spec"], json!({"sessionAffinity": "None"}));
        let refusal = decode(&service, body(json!({"ports": "80"}))).unwrap_err();
        assert_eq!((refusal.code, refusal.reason), (400, "BadRequest"));
    }
}
