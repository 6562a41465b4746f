//! Refusals: wishes that cannot be served until somebody changes something.

use std::fmt;

use serde::Serialize;

use crate::error::Category;
use crate::ids::ServiceKey;

/// One reason why a wish is refused: field, value, and what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Refusal {
    /// The member whose wish it is; `None` if the load balancer as a whole cannot be served.
    pub member: Option<ServiceKey>,
    /// Condition reason, event reason and metric label.
    pub category: Category,
    /// Path or annotation key, e.g. `spec.ports[1].nodePort` or `metallb.io/address-pool`.
    pub field: String,
    /// The value as given; empty if the field is missing.
    pub value: String,
    /// A sentence that says what is wrong and what is accepted.
    pub message: String,
}

impl Refusal {
    /// A refusal of one member's wish.
    pub fn of(
        member: &ServiceKey,
        category: Category,
        field: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            member: Some(member.clone()),
            category,
            field: field.into(),
            value: value.into(),
            message: message.into(),
        }
    }

    /// A refusal of the load balancer as a whole: no member of it can be served.
    pub fn whole(
        category: Category,
        field: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { member: None, category, field: field.into(), value: value.into(), message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}: {}", self.field, self.message)
        } else {
            write!(f, "{}: {:?}: {}", self.field, clip(&self.value, 128), self.message)
        }
    }
}

/// At most `limit` bytes of a text, cut at a character boundary, with `…` where something was cut.
pub fn clip(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mark = '…';
    let mut end = limit.saturating_sub(mark.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{mark}", &text[..end])
}

/// The categories that core itself refuses with.
pub mod categories {
    use super::Category;

    /// A value cannot be read, or is not one of the accepted ones.
    pub const INVALID_VALUE: Category = Category::new("InvalidValue");
    /// Two settings exclude each other.
    pub const CONFLICTING_VALUES: Category = Category::new("ConflictingValues");
    /// The provider cannot do what is asked for.
    pub const UNSUPPORTED: Category = Category::new("Unsupported");
    /// The Service has no ports.
    pub const NO_PORTS: Category = Category::new("NoPorts");
    /// A port has no node port and the provider needs one.
    pub const NO_NODE_PORT: Category = Category::new("NoNodePort");
    /// Another Service of the group holds the port.
    pub const PORT_CONFLICT: Category = Category::new("PortConflict");
    /// The class does not exist.
    pub const UNKNOWN_CLASS: Category = Category::new("UnknownClass");
    /// The class does not serve this namespace.
    pub const NAMESPACE_NOT_ALLOWED: Category = Category::new("NamespaceNotAllowed");
    /// The class does not let Services share.
    pub const SHARING_NOT_ALLOWED: Category = Category::new("SharingNotAllowed");
    /// The class's provider is not running in this controller.
    pub const PROVIDER_NOT_ENABLED: Category = Category::new("ProviderNotEnabled");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clip_keeps_characters_whole() {
        assert_eq!(clip("short", 10), "short");
        assert_eq!(clip("ääääää", 8), "ää…");
        assert!(clip("ääääää", 8).len() <= 8);
    }

    #[test]
    fn a_refusal_names_field_and_value() {
        let refusal = Refusal::of(
            &ServiceKey::new("default", "web"),
            categories::INVALID_VALUE,
            "landfall.dev/ip-mode",
            "Vip",
            "must be VIP or Proxy",
        );
        assert_eq!(refusal.to_string(), r#"landfall.dev/ip-mode: "Vip": must be VIP or Proxy"#);
    }
}
