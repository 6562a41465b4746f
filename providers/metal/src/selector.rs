//! Label selectors of pools, checked once so that they can be evaluated without an error later.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use landfall_core::selector::fits;

/// A selector that has been checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selector(LabelSelector);

/// Why a selector cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectorError {
    /// Not one of the four operators.
    #[error("operator {operator:?} of key {key:?} is not one of In, NotIn, Exists, DoesNotExist")]
    Operator {
        /// Label key.
        key: String,
        /// As given.
        operator: String,
    },
    /// `In` and `NotIn` without values.
    #[error("operator {operator} of key {key:?} needs at least one value")]
    NoValues {
        /// Label key.
        key: String,
        /// As given.
        operator: String,
    },
    /// `Exists` and `DoesNotExist` with values.
    #[error("operator {operator} of key {key:?} takes no values")]
    Values {
        /// Label key.
        key: String,
        /// As given.
        operator: String,
    },
}

impl Selector {
    /// Checks a selector as the API server would in a built-in kind; in a custom resource nobody else does.
    pub(crate) fn compile(selector: &LabelSelector) -> Result<Self, SelectorError> {
        selector.match_expressions.iter().flatten().try_for_each(check)?;
        Ok(Self(selector.clone()))
    }

    /// Whether labels fulfil every requirement.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        // Operators were checked, so there is no error that could be lost here.
        fits(&self.0, labels).unwrap_or(false)
    }
}

fn check(requirement: &LabelSelectorRequirement) -> Result<(), SelectorError> {
    let (key, operator) = (requirement.key.clone(), requirement.operator.clone());
    let has_values = requirement.values.as_ref().is_some_and(|values| !values.is_empty());
    match (operator.as_str(), has_values) {
        ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => Ok(()),
        ("In" | "NotIn", false) => Err(SelectorError::NoValues { key, operator }),
        ("Exists" | "DoesNotExist", true) => Err(SelectorError::Values { key, operator }),
        _ => Err(SelectorError::Operator { key, operator }),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rstest::rstest;

    /// A selector with one expression.
    pub(crate) fn expression(key: &str, operator: &str, values: &[&str]) -> LabelSelector {
        LabelSelector {
            match_labels: None,
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: (!values.is_empty()).then(|| values.iter().map(|&v| v.to_owned()).collect()),
            }]),
        }
    }

    #[rstest]
    #[case("team", "In", &["a", "b"], true)]
    #[case("team", "In", &["b"], false)]
    #[case("absent", "In", &["a"], false)]
    #[case("team", "NotIn", &["a"], false)]
    #[case("team", "NotIn", &["b"], true)]
    #[case("absent", "NotIn", &["a"], true)]
    #[case("team", "Exists", &[], true)]
    #[case("absent", "Exists", &[], false)]
    #[case("team", "DoesNotExist", &[], false)]
    #[case("absent", "DoesNotExist", &[], true)]
    fn expressions(
        #[case] key: &str,
        #[case] operator: &str,
        #[case] values: &[&str],
        #[case] matches: bool,
    ) {
        let labels = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        let selector = Selector::compile(&expression(key, operator, values)).unwrap();
        assert_eq!(selector.matches(&labels), matches);
    }

    #[rstest]
    #[case("Gt", &["1"], "is not one of In, NotIn, Exists, DoesNotExist")]
    #[case("in", &["1"], "is not one of")]
    #[case("", &[], "is not one of")]
    #[case("In", &[], "needs at least one value")]
    #[case("NotIn", &[], "needs at least one value")]
    #[case("Exists", &["1"], "takes no values")]
    #[case("DoesNotExist", &["1"], "takes no values")]
    fn malformed_expressions(#[case] operator: &str, #[case] values: &[&str], #[case] message: &str) {
        let error = Selector::compile(&expression("team", operator, values)).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("team"), "{error}");
    }

    #[test]
    fn every_requirement_must_hold() {
        let mut selector = expression("team", "Exists", &[]);
        selector.match_labels = Some(BTreeMap::from([("stage".to_owned(), "prod".to_owned())]));
        let selector = Selector::compile(&selector).unwrap();
        let mut labels = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        assert!(!selector.matches(&labels));
        labels.insert("stage".to_owned(), "prod".to_owned());
        assert!(selector.matches(&labels));
    }

    #[test]
    fn the_empty_selector_matches_everything() {
        assert!(Selector::compile(&LabelSelector::default()).unwrap().matches(&BTreeMap::new()));
    }
}
