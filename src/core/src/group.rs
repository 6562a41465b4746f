//! Who belongs to which load balancer, and what happens when members of a group want the same.

use k8s_openapi::api::core::v1::Service;

use crate::annotations;
use crate::class::{Class, Sharing};
use crate::ids::{LbId, ShareKey};
use crate::member;
use crate::model::{Member, RefusedPort};
use crate::net::IpFamily;
use crate::refusal::{Refusal, categories};

/// The load balancer that a Service wants to be on.
///
/// A refused share key leaves the identity open (`None`): the Service stays where it is.
pub fn membership(service: &Service, class: &Class) -> Option<Result<LbId, Refusal>> {
    let key = member::key_of(service)?;
    let uid = member::uid_of(service)?;
    let asked = service.metadata.annotations.as_ref().and_then(|all| all.get(annotations::SHARE));
    let Some(text) = asked else {
        return Some(Ok(LbId::service(class.provider, key, uid)));
    };
    let namespace = match class.sharing {
        Sharing::Namespace => Some(key.namespace.clone()),
        Sharing::Cluster => None,
        Sharing::None => {
            let message = format!("class {} does not let Services share a load balancer", class.name);
            let category = categories::SHARING_NOT_ALLOWED;
            return Some(Err(Refusal::of(&key, category, annotations::SHARE, text, message)));
        }
    };
    Some(match ShareKey::new(text.as_str()) {
        Ok(share) => Ok(LbId::share(class.provider, class.name.clone(), namespace, share)),
        Err(error) => {
            let message = format!("must be {}", error.accepted);
            Err(Refusal::of(&key, categories::INVALID_VALUE, annotations::SHARE, text, message))
        }
    })
}

/// Sorts members by age and settles what two of them cannot both have: the older one keeps it.
///
/// A port that an older member holds is taken out of the younger one and listed in its `refused_ports`; a member
/// with no port left is refused as a whole. Different requested addresses refuse the younger member.
pub fn settle(members: &mut Vec<Member>) -> Vec<Refusal> {
    members.sort_by(|a, b| (a.created, &a.service).cmp(&(b.created, &b.service)));
    let mut refusals = Vec::new();
    let mut settled: Vec<Member> = Vec::with_capacity(members.len());
    for mut member in members.drain(..) {
        if let Some(refusal) = conflicting_request(&settled, &member) {
            refusals.push(refusal);
            continue;
        }
        give_up_held_ports(&settled, &mut member);
        if member.listeners.is_empty() && !member.refused_ports.is_empty() {
            refusals.push(all_ports_held(&member));
            continue;
        }
        settled.push(member);
    }
    *members = settled;
    refusals
}

fn give_up_held_ports(older: &[Member], member: &mut Member) {
    let mut refused = Vec::new();
    member.listeners.retain(|listener| {
        let key = listener.key();
        let holder = older.iter().find(|other| other.ports().any(|port| port == key));
        if let Some(holder) = holder {
            refused.push(RefusedPort { key, holder: holder.service.clone() });
        }
        holder.is_none()
    });
    member.refused_ports = refused;
}

fn all_ports_held(member: &Member) -> Refusal {
    let held: Vec<String> =
        member.refused_ports.iter().map(|port| format!("{} is held by {}", port.key, port.holder)).collect();
    let message = format!("{}; the older Service of a share group keeps the port", held.join(", "));
    Refusal::of(&member.service, categories::PORT_CONFLICT, "spec.ports", "", message)
}

fn conflicting_request(older: &[Member], member: &Member) -> Option<Refusal> {
    member.requested.iter().find_map(|address| {
        let family = IpFamily::of(address);
        let (holder, other) = older.iter().find_map(|holder| {
            let other = holder.requested.iter().find(|other| IpFamily::of(other) == family)?;
            (other != address).then_some((holder, other))
        })?;
        let message = format!(
            "{} shares this load balancer and asks for {other}; Services that share must ask for the same address",
            holder.service
        );
        let category = categories::CONFLICTING_VALUES;
        Some(Refusal::of(&member.service, category, annotations::ADDRESSES, address.to_string(), message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ProviderName;
    use crate::net::Protocol;
    use crate::testing::member;
    use k8s_openapi::api::core::v1::Service;
    use rstest::rstest;

    fn service(share: Option<&str>) -> Service {
        let mut service = Service::default();
        service.metadata.name = Some("web".into());
        service.metadata.namespace = Some("shop".into());
        service.metadata.uid = Some("u1".into());
        service.metadata.annotations =
            share.map(|key| [(annotations::SHARE.to_owned(), key.to_owned())].into());
        service
    }

    fn class(sharing: Sharing) -> Class {
        Class { sharing, ..Class::built_in(ProviderName::Metal).unwrap() }
    }

    #[rstest]
    #[case(None, Sharing::Namespace, "metal:service/shop/web/u1")]
    #[case(Some("a"), Sharing::Namespace, "metal:share/metal/shop/a")]
    #[case(Some("a"), Sharing::Cluster, "metal:share/metal/*/a")]
    fn identity(#[case] share: Option<&str>, #[case] sharing: Sharing, #[case] want: &str) {
        let id = membership(&service(share), &class(sharing)).unwrap().unwrap();
        assert_eq!(id.to_string(), want);
    }

    #[rstest]
    #[case("a", Sharing::None, "SharingNotAllowed")]
    #[case("", Sharing::Namespace, "InvalidValue")]
    #[case("no spaces", Sharing::Namespace, "InvalidValue")]
    fn refused_share_keys(#[case] share: &str, #[case] sharing: Sharing, #[case] want: &str) {
        let refusal = membership(&service(Some(share)), &class(sharing)).unwrap().unwrap_err();
        assert_eq!(refusal.category.as_str(), want);
    }

    #[test]
    fn the_older_member_keeps_the_port() {
        let mut members = vec![
            member("young").born(2).listening(&[(Protocol::Tcp, 80), (Protocol::Tcp, 81)]),
            member("old").born(1).listening(&[(Protocol::Tcp, 80), (Protocol::Udp, 81)]),
        ];
        assert_eq!(settle(&mut members), []);
        assert_eq!(members[0].service.name, "old");
        let ports: Vec<String> = members[1].ports().map(|port| port.to_string()).collect();
        assert_eq!(ports, ["81/TCP"]);
        assert_eq!(members[1].refused_ports[0].holder.name, "old");
    }

    #[test]
    fn a_member_without_any_port_left_is_refused_and_names_the_holder() {
        let mut members = vec![member("b").born(1), member("a").born(1), member("c").born(3)];
        let refusals = settle(&mut members);
        assert_eq!(members.len(), 1, "equal age: the name decides");
        assert_eq!(members[0].service.name, "a");
        assert_eq!(refusals.len(), 2);
        assert!(refusals[0].message.contains("80/TCP is held by default/a"), "{}", refusals[0]);
    }

    #[test]
    fn different_requests_refuse_the_younger() {
        let mut members = vec![
            member("a").born(1).requesting(&["192.0.2.1"]),
            member("b").born(2).listening(&[(Protocol::Tcp, 81)]).requesting(&["192.0.2.2"]),
            member("c").born(3).listening(&[(Protocol::Tcp, 82)]).requesting(&["192.0.2.1"]),
            member("d").born(4).listening(&[(Protocol::Tcp, 83)]),
        ];
        let refusals = settle(&mut members);
        let names: Vec<&str> = members.iter().map(|m| m.service.name.as_str()).collect();
        assert_eq!(names, ["a", "c", "d"]);
        assert_eq!(refusals[0].category, categories::CONFLICTING_VALUES);
    }
}
