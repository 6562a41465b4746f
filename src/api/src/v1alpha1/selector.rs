//! The schema of label selectors.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A `metav1.LabelSelector` that can be evaluated.
///
/// The API server does not know that a part of a custom resource is a selector, so what it checks elsewhere
/// (operators, and which of them take values) is spelled out here. The bounds keep the estimated cost of the
/// rule inside the API server's budget.
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "description": "Labels that must all be present with these values.",
                "type": "object",
                "maxProperties": 64,
                "additionalProperties": { "type": "string", "maxLength": 63 }
            },
            "matchExpressions": {
                "description": "Requirements that must all be met.",
                "type": "array",
                "maxItems": 64,
                "items": requirement()
            }
        },
        "x-kubernetes-map-type": "atomic"
    })
}

/// A `metav1.LabelSelectorRequirement`.
fn requirement() -> Schema {
    json_schema!({
        "type": "object",
        "required": ["key", "operator"],
        "properties": {
            "key": { "description": "The label.", "type": "string", "minLength": 1, "maxLength": 317 },
            "operator": {
                "description": "How the label's value relates to the values.",
                "type": "string",
                "enum": ["In", "NotIn", "Exists", "DoesNotExist"]
            },
            "values": {
                "description": "At least one for In and NotIn, none for Exists and DoesNotExist.",
                "type": "array",
                "maxItems": 256,
                "items": { "type": "string", "maxLength": 63 }
            }
        },
        "x-kubernetes-validations": [{
            "rule": "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "message": "values must be given for In and NotIn, and for these only"
        }]
    })
}
