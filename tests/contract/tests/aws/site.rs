//! An account, looked at and changed past the provider, over the same API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ipnet::IpNet;
use landfall_aws::api::ec2::{Allow, Ec2, SecurityGroup, Source, WhichSecurityGroups};
use landfall_aws::api::elb::{
    AddressType, BalancerState, Elb, GroupTargets, HealthState, Listener, LoadBalancer, NlbProtocol, Target,
    TargetGroup, WhichBalancers, WhichGroups,
};
use landfall_aws::api::{Answer, Attributes, Page, Tags};
use landfall_aws::marks;
use landfall_contract::{Listening, View};
use landfall_core::ids::{ClusterId, LbId};
use landfall_core::net::{IpFamily, PortKey, Protocol, SourceRanges};

/// How many ARNs `DescribeTags` takes.
const TAGGED_AT_ONCE: usize = 20;

/// The cluster whose provider is tested.
pub(crate) fn cluster() -> ClusterId {
    ClusterId::new("ours").unwrap()
}

/// The node's provider id.
pub(crate) fn provider_id(instance: &str) -> String {
    format!("aws:///zone/{instance}")
}

/// An account.
pub(crate) struct Site {
    pub(crate) elb: Arc<dyn Elb>,
    pub(crate) ec2: Arc<dyn Ec2>,
    /// What ids are called in pictures, as two accounts have different ones.
    pub(crate) aliases: BTreeMap<String, String>,
}

/// Everything of load balancing in an account.
pub(crate) struct Seen {
    pub(crate) balancers: Vec<SeenBalancer>,
    pub(crate) groups: Vec<SeenGroup>,
    pub(crate) security: Vec<SecurityGroup>,
    aliases: BTreeMap<String, String>,
}

/// A load balancer with its listeners.
pub(crate) struct SeenBalancer {
    pub(crate) it: LoadBalancer,
    pub(crate) tags: Tags,
    attributes: Attributes,
    pub(crate) listeners: Vec<(Listener, Tags, Attributes)>,
}

/// A target group with the targets that take traffic, or shall.
pub(crate) struct SeenGroup {
    pub(crate) it: TargetGroup,
    pub(crate) tags: Tags,
    attributes: Attributes,
    pub(crate) targets: BTreeSet<Target>,
}

/// Every item of a list.
macro_rules! every {
    (|$marker:ident| $page:expr) => {{
        let mut all = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let $marker = next.as_deref();
            let page: Answer<Page<_>> = $page.await;
            let page = page.unwrap();
            all.extend(page.items);
            next = page.next;
            if next.is_none() {
                break all;
            }
        }
    }};
}

impl Site {
    pub(crate) async fn see(&self) -> Seen {
        let (mut balancers, mut groups) = (Vec::new(), Vec::new());
        for it in every!(|marker| self.elb.load_balancers(&WhichBalancers::All, marker)) {
            let mut listeners = Vec::new();
            for listener in every!(|marker| self.elb.listeners(&it.arn, marker)) {
                let attributes = self.elb.listener_attributes(&listener.arn).await.unwrap();
                listeners.push((listener, Tags::new(), attributes));
            }
            listeners.sort_by_key(|(listener, ..)| listener.port);
            let attributes = self.elb.balancer_attributes(&it.arn).await.unwrap();
            balancers.push(SeenBalancer { it, tags: Tags::new(), attributes, listeners });
        }
        for it in every!(|marker| self.elb.target_groups(&WhichGroups::All, marker)) {
            let attributes = self.elb.group_attributes(&it.arn).await.unwrap();
            let targets = self.elb.target_health(&it.arn).await.unwrap();
            let stay = targets.into_iter().filter(|target| target.state != HealthState::Draining);
            let targets = stay.map(|one| one.target).collect();
            groups.push(SeenGroup { it, tags: Tags::new(), attributes, targets });
        }
        let which = WhichSecurityGroups::Tagged(Tags::new());
        let security = every!(|marker| self.ec2.security_groups(&which, marker));
        let mut seen = Seen { balancers, groups, security, aliases: self.aliases.clone() };
        self.see_tags(&mut seen).await;
        seen
    }

    async fn see_tags(&self, seen: &mut Seen) {
        let mut untagged: Vec<(String, &mut Tags)> = Vec::new();
        for balancer in &mut seen.balancers {
            untagged.push((balancer.it.arn.to_string(), &mut balancer.tags));
            let listeners = balancer.listeners.iter_mut();
            untagged.extend(listeners.map(|(it, tags, _)| (it.arn.to_string(), tags)));
        }
        let groups = seen.groups.iter_mut();
        untagged.extend(groups.map(|group| (group.it.arn.to_string(), &mut group.tags)));
        for chunk in untagged.chunks_mut(TAGGED_AT_ONCE) {
            let arns: Vec<String> = chunk.iter().map(|(arn, _)| arn.clone()).collect();
            let found: BTreeMap<String, Tags> = self.elb.tags(&arns).await.unwrap().into_iter().collect();
            for (arn, tags) in chunk {
                (*tags).clone_from(&found[arn]);
            }
        }
    }

    /// One line per thing of ours. What all load balancers of a cluster share is part of each; it is a thing of its own
    /// only when it is left behind.
    pub(crate) async fn picture(&self) -> Vec<String> {
        let seen = self.see().await;
        let shared = seen.shared();
        let mut lines: Vec<String> = seen
            .balancers
            .iter()
            .filter(|balancer| is_ours(&balancer.tags))
            .map(|balancer| format!("{} sharing {shared:?}", seen.line_of_balancer(balancer)))
            .collect();
        if lines.is_empty() {
            lines.extend(shared);
        }
        let groups = seen.groups.iter().filter(|group| is_ours(&group.tags));
        lines.extend(groups.map(|group| seen.line_of_group(group)));
        let backend = marks::of_backend(&cluster());
        let frontend =
            |group: &&SecurityGroup| is_ours(&group.tags) && !marks::carries(&group.tags, &backend);
        lines.extend(seen.security.iter().filter(frontend).map(|group| seen.line_of_rules(group, |_| true)));
        lines.sort();
        lines
    }

    /// One line per thing of others. What we add to groups of theirs is not theirs.
    pub(crate) async fn strangers(&self) -> Vec<String> {
        let seen = self.see().await;
        let theirs = |description: &str| description != marks::backend_rule(&cluster());
        let balancers = seen.balancers.iter().filter(|one| !is_ours(&one.tags));
        let mut lines: Vec<String> = balancers.map(|one| seen.line_of_balancer(one)).collect();
        let groups = seen.groups.iter().filter(|one| !is_ours(&one.tags));
        lines.extend(groups.map(|group| seen.line_of_group(group)));
        let groups = seen.security.iter().filter(|one| !is_ours(&one.tags));
        lines.extend(groups.map(|group| seen.line_of_rules(group, theirs)));
        lines.sort();
        lines
    }

    /// A load balancer as its clients see it.
    pub(crate) async fn view(&self, id: &LbId) -> View {
        let seen = self.see().await;
        let marked = marks::of_lb(&cluster(), id);
        let serving =
            |one: &&SeenBalancer| marks::carries(&one.tags, &marked) && one.it.state == BalancerState::Active;
        let mut view =
            View { addresses: BTreeSet::new(), hostnames: BTreeMap::new(), listeners: BTreeMap::new() };
        for balancer in seen.balancers.iter().filter(serving) {
            view.hostnames.insert(balancer.it.dns_name.clone(), families(balancer.it.address_type));
            for (listener, tags, _) in &balancer.listeners {
                for key in keys(listener) {
                    view.listeners.insert(key, seen.listening(balancer, listener, tags, key));
                }
            }
        }
        view
    }
}

impl Site {
    /// Names of load balancers that serve although their successor took over, by their tag.
    pub(crate) async fn leaving(&self, id: &LbId) -> BTreeSet<String> {
        let marked = marks::of_lb(&cluster(), id);
        let leaves = |one: &SeenBalancer| {
            marks::carries(&one.tags, &marked)
                && marks::is_superseded(&one.tags)
                && one.it.state == BalancerState::Active
        };
        let seen = self.see().await;
        seen.balancers.iter().filter(|one| leaves(one)).map(|one| one.it.dns_name.clone()).collect()
    }
}

impl Seen {
    /// The group that the nodes let in, and the rules by which they do.
    fn shared(&self) -> Vec<String> {
        let backend = marks::of_backend(&cluster());
        let groups = self.security.iter().filter(|group| marks::carries(&group.tags, &backend));
        let mut lines: Vec<String> = groups.map(|group| self.line_of_rules(group, |_| true)).collect();
        for group in self.security.iter().filter(|group| !is_ours(&group.tags)) {
            let ours = |description: &str| description == marks::backend_rule(&cluster());
            if group.ingress.iter().any(|rule| ours(&rule.description)) {
                lines.push(self.line_of_rules(group, ours));
            }
        }
        lines
    }

    fn line_of_balancer(&self, balancer: &SeenBalancer) -> String {
        let it = &balancer.it;
        let mut subnets: Vec<String> = it.zones.iter().map(|zone| self.name(zone.subnet.as_str())).collect();
        subnets.sort();
        let mut groups: Vec<String> = it.security_groups.iter().map(|id| self.name(id.as_str())).collect();
        groups.sort();
        let mut tags = balancer.tags.clone();
        // Which wish it is the result of differs between accounts, as ids do. That it is complete does not.
        tags.entry(marks::APPLIED.to_owned()).and_modify(|value| "some wish".clone_into(value));
        let listener = |(it, tags, attributes): &(Listener, Tags, Attributes)| {
            let to = it.spec.forward.as_ref().map(|group| self.name(group.as_str()));
            let spec = (it.spec.protocol, &it.spec.certificate, &it.spec.ssl_policy, &it.spec.alpn);
            format!("{} {spec:?} to {to:?} {attributes:?} {tags:?}", it.port)
        };
        let listeners: Vec<String> = balancer.listeners.iter().map(listener).collect();
        format!(
            "load balancer {} {:?} {:?} in {subnets:?} with {groups:?} {:?} {tags:?}: {listeners:?}",
            it.name, it.scheme, it.address_type, balancer.attributes
        )
    }

    fn line_of_group(&self, group: &SeenGroup) -> String {
        let SeenGroup { it, tags, attributes, targets } = group;
        let mut targets: Vec<String> =
            targets.iter().map(|target| format!("{}:{}", self.name(&target.id), target.port)).collect();
        targets.sort();
        format!(
            "target group {} {:?} {} {:?} {:?} {:?} {attributes:?} {tags:?}: {targets:?}",
            it.name, it.protocol, it.port, it.targets, it.family, it.health
        )
    }

    fn line_of_rules(&self, group: &SecurityGroup, which: impl Fn(&str) -> bool) -> String {
        let rule = |rule: &&landfall_aws::api::ec2::Rule| which(&rule.description);
        let mut rules: Vec<String> = group
            .ingress
            .iter()
            .filter(rule)
            .map(|rule| match &rule.source {
                Source::Group(id) => {
                    format!("{} from {}: {}", rule.allow, self.name(id.as_str()), rule.description)
                }
                _ => format!("{rule}: {}", rule.description),
            })
            .collect();
        rules.sort();
        format!("security group {} {:?} {:?}: {rules:?}", group.name, group.description, group.tags)
    }

    /// What an id or ARN is called.
    fn name(&self, id: &str) -> String {
        let groups = self.groups.iter().map(|group| (group.it.arn.as_str(), &group.it.name));
        let security = self.security.iter().map(|group| (group.id.as_str(), &group.name));
        let found = groups.chain(security).find(|(known, _)| *known == id);
        let name = found.map(|(_, name)| name).or_else(|| self.aliases.get(id));
        name.cloned().unwrap_or_else(|| id.to_owned())
    }

    fn listening(
        &self,
        balancer: &SeenBalancer,
        listener: &Listener,
        tags: &Tags,
        key: PortKey,
    ) -> Listening {
        let group =
            self.groups.iter().find(|group| Some(&group.it.arn) == listener.spec.forward.as_ref()).unwrap();
        let nodes = group.it.targets == Some(GroupTargets::Instance);
        let id = |target: &Target| if nodes { provider_id(&target.id) } else { target.id.clone() };
        Listening {
            member: marks::member(tags).unwrap().service,
            targets: group.targets.iter().map(|target| (id(target), target.port)).collect(),
            sources: Some(self.sources(balancer, key)),
            health_port: group.it.health.port.filter(|_| nodes),
            affinity_seconds: None,
        }
    }

    /// Who can reach a port through any of a load balancer's security groups.
    fn sources(&self, balancer: &SeenBalancer, key: PortKey) -> SourceRanges {
        let carried = self.security.iter().filter(|group| balancer.it.security_groups.contains(&group.id));
        let rules = carried.flat_map(|group| &group.ingress).filter(|rule| match rule.allow {
            Allow::Tcp(from, to) => key.protocol == Protocol::Tcp && (from..=to).contains(&key.port),
            Allow::Udp(from, to) => key.protocol == Protocol::Udp && (from..=to).contains(&key.port),
            _ => false,
        });
        SourceRanges::from_ranges(rules.filter_map(|rule| match rule.source {
            Source::V4(range) => Some(IpNet::V4(range)),
            Source::V6(range) => Some(IpNet::V6(range)),
            Source::PrefixList(_) | Source::Group(_) => None,
        }))
    }
}

pub(crate) fn is_ours(tags: &Tags) -> bool {
    marks::carries(tags, &marks::of_cluster(&cluster()))
}

fn families(of: AddressType) -> BTreeSet<IpFamily> {
    match of {
        AddressType::Ipv4 => BTreeSet::from([IpFamily::V4]),
        AddressType::Dualstack => IpFamily::BOTH.into(),
    }
}

/// What a listener takes.
fn keys(listener: &Listener) -> Vec<PortKey> {
    let protocols: &[Protocol] = match listener.spec.protocol.unwrap() {
        NlbProtocol::Tcp | NlbProtocol::Tls => &[Protocol::Tcp],
        NlbProtocol::Udp => &[Protocol::Udp],
        NlbProtocol::TcpUdp => &[Protocol::Tcp, Protocol::Udp],
    };
    protocols.iter().map(|&protocol| PortKey { port: listener.port, protocol }).collect()
}
