//! The condition `Ready` of our own objects.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use landfall_core::error::Category;
use landfall_core::pools::PoolProblem;
use landfall_core::report::{Verdict, with_verdicts};

use crate::names::READY;

/// Why an object cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Reason of the condition.
    pub category: Category,
    /// A sentence that names the field and says what to do.
    pub message: String,
}

impl From<&PoolProblem> for Problem {
    fn from(problem: &PoolProblem) -> Self {
        Self { category: problem.category, message: problem.message.clone() }
    }
}

/// The conditions with `Ready` brought up to date: `True` with a sentence, or `False` with the problem.
///
/// Conditions of others stay as they are. `lastTransitionTime` becomes `now` only if `Ready` is new or its status
/// changes. `generation` is the `metadata.generation` that was looked at.
pub fn with_ready(
    current: &[Condition],
    verdict: Result<&str, Problem>,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let ready = match verdict {
        Ok(sentence) => Verdict::new(READY, true, READY, sentence),
        Err(problem) => Verdict::new(READY, false, problem.category.as_str(), &problem.message),
    };
    let mut conditions = with_verdicts(current.to_vec(), &[ready], now);
    for condition in conditions.iter_mut().filter(|condition| condition.type_ == READY) {
        condition.observed_generation = generation;
    }
    conditions
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use rstest::rstest;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn problem() -> Problem {
        Problem { category: Category::new("Overlap"), message: "10.0.0.0/8 is also in pool wan".to_owned() }
    }

    #[rstest]
    #[case::nothing_changes(Ok("fine"), ("True", "Ready", "fine", 10))]
    #[case::sentence_changes(Ok("still fine"), ("True", "Ready", "still fine", 10))]
    #[case::status_changes(Err(problem()), ("False", "Overlap", "10.0.0.0/8 is also in pool wan", 20))]
    fn the_transition_time_follows_the_status(
        #[case] verdict: Result<&str, Problem>,
        #[case] expected: (&str, &str, &str, i64),
    ) {
        let before = with_ready(&[], Ok("fine"), Some(1), at(10));
        let after = with_ready(&before, verdict, Some(2), at(20));
        assert_eq!(after.len(), 1);
        let Condition { status, reason, message, last_transition_time, observed_generation, .. } = &after[0];
        assert_eq!((&**status, &**reason, &**message, last_transition_time.0.as_second()), expected);
        assert_eq!(*observed_generation, Some(2));
    }

    #[test]
    fn conditions_of_others_stay_as_they_are() {
        let other = Condition {
            type_: "example.com/Audited".to_owned(),
            status: "Unknown".to_owned(),
            reason: "Pending".to_owned(),
            message: String::new(),
            observed_generation: Some(1),
            last_transition_time: Time(at(1)),
        };
        let first = with_ready(std::slice::from_ref(&other), Ok("fine"), Some(2), at(10));
        let second = with_ready(&first, Err(problem()), Some(3), at(20));
        assert_eq!(second[0], other);
        assert_eq!(second[1].status, "False");
        assert_eq!(second.len(), 2);
    }
}
