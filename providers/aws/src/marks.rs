//! Ownership marks: the only place that knows the tag keys and the descriptions of rules.
//!
//! A tag of Elastic Load Balancing has a key of at most 128 and a value of at most 256 letters, digits, spaces and
//! `+ - = . _ : / @` (`API_Tag`). A rule of a security group has a description of at most 255 characters out of
//! `a-z A-Z 0-9`, spaces and `._-:/()#,@[]+=&;{}!$*` (`API_IpRange`).

use jiff::Timestamp;
use landfall_core::ids::{ClusterId, LbId, Uid};
use landfall_core::model::MemberRef;
use landfall_core::provider::Mark;

use crate::api::Tags;
use crate::api::elb::{ListenerSpec, NlbProtocol};
use crate::api::ids::TargetGroupArn;

/// Prefix of every key of ours.
pub const PREFIX: &str = "landfall.dev/";
/// On the load balancer, once everything is in place: fingerprint of the wish that it is the result of.
pub const APPLIED: &str = "landfall.dev/applied";
/// Which tags besides our own we set: short hashes of their keys. What is not in there is somebody else's.
pub const ADDITIONAL: &str = "landfall.dev/additional";
/// Tags that a resource can have.
pub const TAGS_AT_MOST: usize = 50;
/// Tags of ours that one resource has at most: cluster, load balancer, additional, applied, adopted and superseded on a
/// load balancer; the first three, member and two about what it did on a listener that was there before us.
pub const OURS_AT_MOST: usize = 6;
/// On a load balancer whose successor has taken over: since when.
pub const SUPERSEDED: &str = "landfall.dev/superseded";

const CLUSTER: &str = "landfall.dev/cluster";
const LOAD_BALANCER: &str = "landfall.dev/load-balancer";
const MEMBER: &str = "landfall.dev/member";
const ROLE: &str = "landfall.dev/role";
const ADOPTED: &str = "landfall.dev/adopted";
const ORIGINAL: &str = "landfall.dev/original";
const ORIGINAL_TLS: &str = "landfall.dev/original-tls";
/// Stands in the value of that tag for what the listener did not have.
const NONE: &str = "-";
/// Characters in the value of a tag.
const VALUE_AT_MOST: usize = 256;

/// Tags of everything that belongs to a cluster.
pub fn of_cluster(cluster: &ClusterId) -> Tags {
    Tags::from([(CLUSTER.to_owned(), cluster.to_string())])
}

/// Tags of the security group that the nodes let in.
pub fn of_backend(cluster: &ClusterId) -> Tags {
    let mut tags = of_cluster(cluster);
    tags.insert(ROLE.to_owned(), "backend".to_owned());
    tags
}

/// Tags of everything that belongs to a load balancer.
pub fn of_lb(cluster: &ClusterId, lb: &LbId) -> Tags {
    let mut tags = of_cluster(cluster);
    tags.insert(LOAD_BALANCER.to_owned(), lb_text(lb));
    tags
}

/// Tags of what serves one member of a load balancer.
pub fn of_member(cluster: &ClusterId, lb: &LbId, member: &MemberRef) -> Tags {
    let mut tags = of_lb(cluster, lb);
    tags.insert(MEMBER.to_owned(), member_text(member));
    tags
}

/// The tag of a load balancer that was taken over then: it is never deleted. Whole seconds, rounded down.
pub fn adopted(since: Timestamp) -> Tags {
    Tags::from([(ADOPTED.to_owned(), second(since))])
}

/// The tag of a listener that was re-pointed: where it forwarded to before.
pub fn original(group: &TargetGroupArn) -> Tags {
    Tags::from([(ORIGINAL.to_owned(), group.to_string())])
}

/// The tag of a listener that was re-pointed, if it is one for TLS: what it had besides its target group. `None` if that
/// does not fit in a tag.
pub fn original_tls(spec: &ListenerSpec) -> Option<Tags> {
    if spec.protocol != Some(NlbProtocol::Tls) {
        return Some(Tags::new());
    }
    let parts = [&spec.certificate, &spec.ssl_policy, &spec.alpn];
    let value = parts.map(|part| part.as_deref().unwrap_or(NONE)).join(" ");
    let fits = value.len() <= VALUE_AT_MOST
        && value.chars().all(|c| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c))
        && value.split(' ').count() == parts.len();
    fits.then(|| Tags::from([(ORIGINAL_TLS.to_owned(), value)]))
}

/// The tag that tells which wish a load balancer is the result of.
pub fn applied(fingerprint: &str) -> Tags {
    Tags::from([(APPLIED.to_owned(), fingerprint.to_owned())])
}

/// The tag of a load balancer whose successor took over then. Whole seconds, rounded down.
pub fn superseded(since: Timestamp) -> Tags {
    Tags::from([(SUPERSEDED.to_owned(), second(since))])
}

/// Whether a successor took over from a load balancer, whenever that was.
pub fn is_superseded(tags: &Tags) -> bool {
    tags.contains_key(SUPERSEDED)
}

/// When a successor took over from a load balancer; `None` if none did, or if the time cannot be read.
pub fn superseded_since(tags: &Tags) -> Option<Timestamp> {
    tags.get(SUPERSEDED)?.parse().ok()
}

/// Whether all of `marks` are among the tags.
pub fn carries(tags: &Tags, marks: &Tags) -> bool {
    marks.iter().all(|(key, value)| tags.get(key) == Some(value))
}

/// The marks among the tags.
pub fn ours(tags: &Tags) -> Tags {
    let marks = tags.iter().filter(|(key, _)| key.starts_with(PREFIX));
    marks.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whether a load balancer was taken over. Any value counts: deleting what is not ours is worse than leaving it.
pub fn is_adopted(tags: &Tags) -> bool {
    tags.contains_key(ADOPTED)
}

/// The tag of a load balancer that was taken over, as it has it.
pub fn adoption_of(tags: &Tags) -> Tags {
    tags.get_key_value(ADOPTED).into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// When a load balancer was taken over; `None` if it was not, or if the time cannot be read.
pub fn adopted_since(tags: &Tags) -> Option<Timestamp> {
    tags.get(ADOPTED)?.parse().ok()
}

/// Whether the value of a tag is the time at which it was set.
pub fn is_time(key: &str) -> bool {
    [ADOPTED, SUPERSEDED].contains(&key)
}

/// Where a re-pointed listener forwarded to before; `None` for a listener of our own.
pub fn original_of(tags: &Tags) -> Option<TargetGroupArn> {
    tags.get(ORIGINAL).map(|arn| TargetGroupArn::new(arn.as_str()))
}

/// What a re-pointed listener for TLS had before, put in the place of what it has now; unchanged if nothing tells.
pub fn with_original_tls(now: &ListenerSpec, tags: &Tags) -> ListenerSpec {
    let mut then = now.clone();
    let parts: Vec<&str> = tags.get(ORIGINAL_TLS).map(|value| value.split(' ').collect()).unwrap_or_default();
    if let [certificate, policy, alpn] = parts.as_slice() {
        let part = |text: &str| (text != NONE).then(|| text.to_owned());
        (then.certificate, then.ssl_policy, then.alpn) = (part(certificate), part(policy), part(alpn));
    }
    then
}

/// The member that a resource serves; `None` if it serves all, or if the tag cannot be read.
pub fn member(tags: &Tags) -> Option<MemberRef> {
    member_of(tags.get(MEMBER)?)
}

/// The mark that tags express; `None` if they name no load balancer that can be read.
pub fn mark(tags: &Tags) -> Option<Mark> {
    let text = tags.get(LOAD_BALANCER)?.replace(EVERYWHERE, "*");
    Some(Mark { lb: text.parse().ok()?, member: member(tags) })
}

/// The description of rules that let a member's clients in.
pub fn rule_of(member: &MemberRef) -> String {
    format!("{MEMBER}={}", member_text(member))
}

/// The member whose clients a rule with this description lets in; `None` if the rule is not one of ours.
pub fn member_of_rule(description: &str) -> Option<MemberRef> {
    member_of(description.strip_prefix(MEMBER)?.strip_prefix('=')?)
}

/// The description of rules that let the backend group in to the nodes.
pub fn backend_rule(cluster: &ClusterId) -> String {
    format!("{CLUSTER}={cluster}")
}

/// Stands in tags for the `*` of an identity that is shared by all namespaces: tags may not contain that.
const EVERYWHERE: &str = "@";

fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn lb_text(lb: &LbId) -> String {
    lb.to_string().replace('*', EVERYWHERE)
}

fn member_text(member: &MemberRef) -> String {
    format!("{}/{}", member.service, member.uid)
}

fn member_of(text: &str) -> Option<MemberRef> {
    let (service, uid) = text.rsplit_once('/')?;
    Some(MemberRef { service: service.parse().ok()?, uid: Uid::new(uid).ok()? })
}

#[cfg(test)]
mod tests {
    use landfall_core::ids::{ClassName, ProviderName, ServiceKey, ShareKey};
    use rstest::rstest;

    use super::*;

    fn cluster() -> ClusterId {
        ClusterId::new("test").unwrap()
    }

    fn longest() -> MemberRef {
        MemberRef {
            service: ServiceKey::new("n".repeat(63), "s".repeat(63)),
            uid: Uid::new("3f2b0c1e-7a54-4f8e-9d60-5b1c2d3e4f50").unwrap(),
        }
    }

    fn lone() -> LbId {
        LbId::service(ProviderName::Aws, longest().service, longest().uid)
    }

    fn shared(namespace: Option<&str>) -> LbId {
        let (class, key) = (ClassName::new("c".repeat(63)).unwrap(), ShareKey::new("Key_1.x").unwrap());
        LbId::share(ProviderName::Aws, class, namespace.map(str::to_owned), key)
    }

    #[rstest]
    #[case(lone())]
    #[case(shared(None))]
    #[case(shared(Some("default")))]
    fn marks_survive_a_round_trip(#[case] lb: LbId) {
        let tags = of_member(&cluster(), &lb, &longest());
        assert_eq!(mark(&tags), Some(Mark { lb: lb.clone(), member: Some(longest()) }));
        assert_eq!(mark(&of_lb(&cluster(), &lb)), Some(Mark { lb: lb.clone(), member: None }));
        assert!(carries(&tags, &of_lb(&cluster(), &lb)));
        assert!(!carries(&of_lb(&cluster(), &lb), &tags));
    }

    #[rstest]
    #[case(lone())]
    #[case(shared(None))]
    fn aws_accepts_the_tags(#[case] lb: LbId) {
        let mut tags = of_member(&cluster(), &lb, &longest());
        tags.extend(adopted(Timestamp::MAX));
        tags.extend(superseded(Timestamp::MAX));
        for (key, value) in tags {
            assert!(key.len() <= 128 && value.len() <= 256, "{key}={value}");
            let good = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
            assert!(key.chars().all(good) && value.chars().all(good), "{key}={value}");
        }
    }

    #[test]
    fn rules_tell_their_member() {
        let description = rule_of(&longest());
        assert!(description.len() <= 255);
        assert_eq!(member_of_rule(&description), Some(longest()));
    }

    #[rstest]
    #[case("")]
    #[case("ssh from the office")]
    #[case("landfall.dev/member")]
    #[case("landfall.dev/member=web")]
    #[case("landfall.dev/cluster=test")]
    fn rules_of_others_tell_none(#[case] description: &str) {
        assert_eq!(member_of_rule(description), None);
    }

    #[test]
    fn other_tags_are_no_marks() {
        assert_eq!(mark(&of_cluster(&cluster())), None);
        assert_eq!(mark(&of_backend(&cluster())), None);
        let unreadable = Tags::from([(LOAD_BALANCER.to_owned(), "web".to_owned())]);
        assert_eq!(mark(&unreadable), None);
    }

    #[rstest]
    #[case("2026-03-01T10:00:00Z", Some("2026-03-01T10:00:00Z"))]
    #[case("2026-03-01T12:00:00+02:00", Some("2026-03-01T10:00:00Z"))]
    #[case("", None)]
    #[case("yesterday", None)]
    #[case("2026-03-01", None)]
    fn the_time_of_a_handover_is_read_or_not(#[case] text: &str, #[case] since: Option<&str>) {
        let tags = Tags::from([(SUPERSEDED.to_owned(), text.to_owned())]);
        assert!(is_superseded(&tags));
        assert_eq!(superseded_since(&tags), since.map(|text| text.parse().unwrap()));
    }

    #[test]
    fn the_time_of_a_handover_has_whole_seconds() {
        let since: Timestamp = "2026-03-01T10:00:00.9Z".parse().unwrap();
        let tags = superseded(since);
        assert_eq!(tags.get(SUPERSEDED).map(String::as_str), Some("2026-03-01T10:00:00Z"));
        assert!(!is_superseded(&adopted(since)));
        assert_eq!(adopted_since(&adopted(since)), superseded_since(&tags));
        assert_eq!(adopted_since(&tags), None);
    }

    fn tls(certificate: &str) -> ListenerSpec {
        ListenerSpec {
            protocol: Some(NlbProtocol::Tls),
            forward: None,
            certificate: Some(certificate.to_owned()),
            ssl_policy: Some("ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned()),
            alpn: None,
        }
    }

    #[test]
    fn what_a_listener_had_is_remembered() {
        let before =
            tls("arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012");
        let tags = original_tls(&before).unwrap();
        let mut now = tls("arn:other");
        now.alpn = Some("HTTP2Only".to_owned());
        assert_eq!(with_original_tls(&now, &tags), before);
        assert_eq!(with_original_tls(&now, &Tags::new()), now);
        let plain = ListenerSpec { protocol: Some(NlbProtocol::Tcp), ..tls("") };
        assert_eq!(original_tls(&plain), Some(Tags::new()));
    }

    #[rstest]
    #[case("arn:aws:iam::123456789012:server-certificate/a,b")]
    #[case("arn:aws:iam::123456789012:server-certificate/a b")]
    #[case(&"long".repeat(60))]
    fn what_no_tag_takes_is_not_remembered(#[case] certificate: &str) {
        assert_eq!(original_tls(&tls(certificate)), None);
    }

    #[test]
    fn adoption_is_remembered() {
        let arn = TargetGroupArn::from("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/old/1");
        assert_eq!(original_of(&original(&arn)), Some(arn));
        let by_hand = Tags::from([(ADOPTED.to_owned(), "true".to_owned())]);
        assert!(is_adopted(&adopted(Timestamp::UNIX_EPOCH)) && is_adopted(&by_hand));
        assert_eq!(adopted_since(&by_hand), None);
        assert!(!is_adopted(&of_lb(&cluster(), &lone())));
    }
}
