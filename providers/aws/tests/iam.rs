//! The policy in `deploy/aws` allows what the provider calls, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use landfall_aws::api::Action;
use serde::Deserialize;
use serde_json::Value;

/// The ownership mark that changes are conditioned on.
const MARK: &str = "landfall.dev/cluster";

/// What we never call: Elastic Load Balancing reads it with our rights while it makes a load balancer, and makes its own
/// role with the first one of an account.
const ON_OUR_BEHALF: [&str; 4] = [
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeInternetGateways",
    "iam:CreateServiceLinkedRole",
];

/// Changes that cannot be conditioned on our mark, with the statement that says on what they are allowed: the groups of
/// nodes and the networks belong to others.
const UNMARKED: [(&str, &str); 3] = [
    ("ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:*:*:security-group/*"),
    ("ec2:RevokeSecurityGroupIngress", "arn:aws:ec2:*:*:security-group/*"),
    ("ec2:CreateSecurityGroup", "arn:aws:ec2:*:*:vpc/*"),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    version: String,
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    sid: String,
    effect: String,
    action: Vec<String>,
    resource: Resources,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Resources {
    One(String),
    Several(Vec<String>),
}

impl Statement {
    fn resources(&self) -> &[String] {
        match &self.resource {
            Resources::One(one) => std::slice::from_ref(one),
            Resources::Several(several) => several,
        }
    }

    /// Whether a condition demands our mark, on the resource or in the request.
    fn demands_mark(&self) -> bool {
        let keys = [format!("aws:ResourceTag/{MARK}"), format!("aws:RequestTag/{MARK}")];
        let demanded = self.condition.get("StringEquals");
        demanded.is_some_and(|demanded| keys.iter().any(|key| demanded.contains_key(key)))
    }
}

#[expect(clippy::panic, reason = "a helper of tests fails by panicking")]
fn policy(name: &str) -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/aws").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn allowed(policy: &Policy) -> BTreeSet<String> {
    policy.statement.iter().flat_map(|statement| statement.action.clone()).collect()
}

#[test]
fn it_allows_every_action_of_the_provider_and_no_other() {
    let ours = Action::ALL.iter().map(ToString::to_string);
    let wanted: BTreeSet<String> = ours.chain(ON_OUR_BEHALF.map(str::to_owned)).collect();
    assert_eq!(allowed(&policy("iam-policy.json")), wanted);
}

#[test]
fn changes_are_limited_to_what_carries_the_mark() {
    let writes: BTreeSet<String> =
        Action::ALL.iter().filter(|action| action.is_write()).map(ToString::to_string).collect();
    let mut unmarked = BTreeSet::new();
    for statement in &policy("iam-policy.json").statement {
        for action in statement.action.iter().filter(|action| writes.contains(*action)) {
            assert!(
                !statement.resources().contains(&"*".to_owned()),
                "{}: {action} on anything",
                statement.sid
            );
            if !statement.demands_mark() {
                unmarked.extend(statement.resources().iter().map(|on| (action.clone(), on.clone())));
            }
        }
    }
    let known = UNMARKED.map(|(action, on)| (action.to_owned(), on.to_owned()));
    assert_eq!(unmarked, BTreeSet::from(known));
}

#[test]
fn adoption_needs_to_mark_named_resources_and_nothing_else() {
    let policy = policy("iam-policy-adoption.json");
    assert_eq!(allowed(&policy), BTreeSet::from([Action::AddTags.to_string()]));
    for statement in &policy.statement {
        assert!(statement.demands_mark(), "{}", statement.sid);
        assert!(statement.resources().iter().all(|on| on.contains("/net/NAME/ID")), "{}", statement.sid);
    }
}

#[test]
fn the_policies_are_of_the_current_language_and_fit_a_managed_policy() {
    for name in ["iam-policy.json", "iam-policy-adoption.json"] {
        let policy = policy(name);
        assert_eq!(policy.version, "2012-10-17", "{name}");
        let sids: BTreeSet<&str> = policy.statement.iter().map(|statement| statement.sid.as_str()).collect();
        assert_eq!(sids.len(), policy.statement.len(), "{name}: every Sid once");
        for statement in &policy.statement {
            assert_eq!(statement.effect, "Allow", "{name}: {}", statement.sid);
            assert!(statement.sid.chars().all(|c| c.is_ascii_alphanumeric()), "{name}: {}", statement.sid);
        }
    }
    // IAM counts characters without white space; the limit of a managed policy is 6,144.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/aws/iam-policy.json");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.chars().filter(|c| !c.is_whitespace()).count() <= 6_144);
}
