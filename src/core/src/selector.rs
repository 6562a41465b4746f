//! Label selectors, evaluated.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// An operator that the API does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not an operator for label {key:?}: accepted are In, NotIn, Exists and DoesNotExist")]
pub struct SelectorError {
    /// The label key.
    pub key: String,
    /// The operator as given.
    pub value: String,
}

/// Whether the labels fit. An empty selector fits everything, as in the API.
pub fn fits(selector: &LabelSelector, labels: &Labels) -> Result<bool, SelectorError> {
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let mut all = equal;
    for requirement in selector.match_expressions.iter().flatten() {
        all &= holds(requirement, labels)?;
    }
    Ok(all)
}

fn holds(requirement: &LabelSelectorRequirement, labels: &Labels) -> Result<bool, SelectorError> {
    let value = labels.get(&requirement.key);
    let listed = || value.is_some_and(|value| requirement.values.iter().flatten().any(|item| item == value));
    match requirement.operator.as_str() {
        "In" => Ok(listed()),
        "NotIn" => Ok(!listed()),
        "Exists" => Ok(value.is_some()),
        "DoesNotExist" => Ok(value.is_none()),
        other => Err(SelectorError { key: requirement.key.clone(), value: other.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn labels() -> Labels {
        [("app".to_owned(), "web".to_owned()), ("tier".to_owned(), "front".to_owned())].into()
    }

    #[rstest]
    #[case("In", &["web", "db"], true)]
    #[case("In", &["db"], false)]
    #[case("NotIn", &["db"], true)]
    #[case("NotIn", &["web"], false)]
    #[case("Exists", &[], true)]
    #[case("DoesNotExist", &[], false)]
    fn expressions(#[case] operator: &str, #[case] values: &[&str], #[case] want: bool) {
        let selector = LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "app".into(),
                operator: operator.into(),
                values: Some(values.iter().map(|&v| v.into()).collect()),
            }]),
            match_labels: Some([("tier".into(), "front".into())].into()),
        };
        assert_eq!(fits(&selector, &labels()), Ok(want));
    }

    #[test]
    fn a_missing_label_is_not_in_any_list() {
        let selector = LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "zone".into(),
                operator: "NotIn".into(),
                values: Some(vec!["a".into()]),
            }]),
            match_labels: None,
        };
        assert_eq!(fits(&selector, &labels()), Ok(true));
    }

    #[test]
    fn an_empty_selector_fits_and_a_wrong_operator_is_told() {
        assert_eq!(fits(&LabelSelector::default(), &labels()), Ok(true));
        let selector = LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "app".into(),
                operator: "Gt".into(),
                values: None,
            }]),
            match_labels: None,
        };
        assert_eq!(fits(&selector, &labels()).unwrap_err().value, "Gt");
    }
}
