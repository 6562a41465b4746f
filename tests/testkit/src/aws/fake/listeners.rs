//! Listeners and their certificates.

use std::collections::BTreeSet;

use landfall_aws::api::elb::{AddressType, Listener, ListenerSpec, NewListener, NlbProtocol};
use landfall_aws::api::ids::{ListenerArn, LoadBalancerArn, TargetGroupArn};
use landfall_aws::api::{Attributes, Page};
use landfall_core::net::IpFamily;

use super::attributes;
use super::names;
use super::page::page;
use super::placement::INVALID;
use super::quotas::Quota;
use super::refused::{Done, refuse};
use super::reshape::check_protocol;
use super::state::State;

/// The policy of a TLS listener that is made without one.
const DEFAULT_POLICY: &str = "ELBSecurityPolicy-2016-08";
const POLICIES: &[&str] = &[
    DEFAULT_POLICY,
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS-1-2-2017-01",
    "ELBSecurityPolicy-FS-1-2-Res-2020-10",
];
const ALPN: &[&str] = &["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred"];

/// A listener.
#[derive(Debug)]
pub(super) struct ListenerRecord {
    pub(super) balancer: LoadBalancerArn,
    pub(super) it: Listener,
    pub(super) attributes: Attributes,
    /// Certificates that were added to the default one.
    pub(super) certificates: BTreeSet<String>,
}

impl State {
    pub(super) fn listener(&self, arn: &ListenerArn) -> Done<&ListenerRecord> {
        match self.listeners.get(arn) {
            Some(record) => Ok(record),
            None => refuse("ListenerNotFound", format!("Listener '{arn}' not found")),
        }
    }

    pub(super) fn listener_mut(&mut self, arn: &ListenerArn) -> Done<&mut ListenerRecord> {
        match self.listeners.get_mut(arn) {
            Some(record) => Ok(record),
            None => refuse("ListenerNotFound", format!("Listener '{arn}' not found")),
        }
    }

    pub(super) fn list_listeners(&self, of: &LoadBalancerArn, marker: Option<&str>) -> Done<Page<Listener>> {
        self.balancer(of)?;
        let of_it = self.listeners.iter().filter(|(_, listener)| listener.balancer == *of);
        Ok(page(of_it.map(|(arn, listener)| (arn, listener.it.clone())), marker, self.page))
    }

    pub(super) fn list_certificates(&self, of: &ListenerArn, marker: Option<&str>) -> Done<Page<String>> {
        let added = self.listener(of)?.certificates.iter();
        Ok(page(added.map(|arn| (arn, arn.clone())), marker, self.page))
    }

    pub(super) fn create_listener(&mut self, new: &NewListener) -> Done<Listener> {
        names::tags(&new.tags, "TooManyTags")?;
        self.balancer(&new.balancer)?;
        if new.port == 0 {
            return refuse("ValidationError", "The port must be from 1 to 65535");
        }
        let mut spec = new.spec.clone();
        if spec.protocol == Some(NlbProtocol::Tls) {
            spec.ssl_policy.get_or_insert_with(|| DEFAULT_POLICY.to_owned());
        }
        self.check_spec(&new.balancer, &spec)?;
        let of_it = || self.listeners.values().filter(|listener| listener.balancer == new.balancer);
        if let Some(there) = of_it().find(|listener| listener.it.port == new.port) {
            let same_tags = self.tags.get(there.it.arn.as_str()) == Some(&new.tags);
            if there.it.spec == spec && (same_tags || !self.tags_are_settings) {
                return Ok(there.it.clone());
            }
            let text = format!("A listener already exists on port {} for this load balancer", new.port);
            return refuse("DuplicateListener", text);
        }
        self.quotas.check(Quota::Listeners, of_it().count() + 1)?;
        let path = new.balancer.as_str().split_once("loadbalancer/").map_or("", |(_, path)| path);
        let arn = ListenerArn::new(self.arn(&format!("listener/{path}")));
        let it = Listener { arn: arn.clone(), port: new.port, spec };
        let record = ListenerRecord {
            balancer: new.balancer.clone(),
            attributes: attributes::of_listener(it.spec.protocol, &Attributes::new()),
            certificates: BTreeSet::new(),
            it: it.clone(),
        };
        self.listeners.insert(arn.clone(), record);
        if let Err(over) = self.check_target_quotas(&new.balancer) {
            self.listeners.remove(&arn);
            return Err(over);
        }
        self.tags.insert(arn.to_string(), new.tags.clone());
        it.spec.forward.iter().for_each(|group| self.note_use(group));
        Ok(it)
    }

    pub(super) fn modify_listener(&mut self, arn: &ListenerArn, to: &ListenerSpec) -> Done<()> {
        let (balancer, spec) = {
            let there = self.listener(arn)?;
            (there.balancer.clone(), modified(&there.it.spec, to))
        };
        self.check_spec(&balancer, &spec)?;
        let before = std::mem::replace(&mut self.listener_mut(arn)?.it.spec, spec.clone());
        if let Err(over) = self.check_target_quotas(&balancer) {
            self.listener_mut(arn)?.it.spec = before;
            return Err(over);
        }
        let record = self.listener_mut(arn)?;
        record.attributes = attributes::of_listener(spec.protocol, &record.attributes);
        if spec.protocol != Some(NlbProtocol::Tls) {
            record.certificates.clear();
        }
        before.forward.iter().chain(&spec.forward).for_each(|group| self.note_use(group));
        Ok(())
    }

    pub(super) fn delete_listener(&mut self, arn: &ListenerArn) -> Done<()> {
        self.listener(arn)?;
        self.drop_listener(arn);
        Ok(())
    }

    /// Takes a listener away, whoever asks.
    pub(super) fn drop_listener(&mut self, arn: &ListenerArn) {
        let Some(record) = self.listeners.remove(arn) else { return };
        self.tags.remove(arn.as_str());
        record.it.spec.forward.iter().for_each(|group| self.note_use(group));
    }

    pub(super) fn add_certificate(&mut self, to: &ListenerArn, certificate: &str) -> Done<()> {
        let listener = self.listener(to)?;
        if listener.it.spec.protocol != Some(NlbProtocol::Tls) {
            return refuse(INVALID, "Only TLS listeners have certificates");
        }
        self.check_certificate(certificate)?;
        let of_balancer = self.listeners.values().filter(|other| other.balancer == listener.balancer);
        let mut all: BTreeSet<&str> =
            of_balancer.flat_map(|other| &other.certificates).map(String::as_str).collect();
        all.insert(certificate);
        self.quotas.check(Quota::Certificates, all.len())?;
        self.listener_mut(to)?.certificates.insert(certificate.to_owned());
        Ok(())
    }

    pub(super) fn remove_certificate(&mut self, from: &ListenerArn, certificate: &str) -> Done<()> {
        let listener = self.listener_mut(from)?;
        let added = listener.certificates.remove(certificate);
        if !added && listener.it.spec.certificate.as_deref() == Some(certificate) {
            return refuse("OperationNotPermitted", "The default certificate cannot be removed");
        }
        Ok(())
    }

    /// Whether a listener of this load balancer can be this.
    fn check_spec(&self, balancer: &LoadBalancerArn, spec: &ListenerSpec) -> Done<()> {
        let Some(protocol) = spec.protocol else {
            return refuse("UnsupportedProtocol", "The protocol is not supported");
        };
        let Some(group) = &spec.forward else {
            return refuse("ValidationError", "A listener must have a default action of type forward");
        };
        let it = &self.balancer(balancer)?.it;
        check_protocol(Some(protocol), it.address_type, it.source_nat)?;
        self.check_forward(balancer, protocol, group)?;
        self.check_tls(protocol, spec)
    }

    fn check_forward(
        &self,
        balancer: &LoadBalancerArn,
        protocol: NlbProtocol,
        group: &TargetGroupArn,
    ) -> Done<()> {
        let it = &self.balancer(balancer)?.it;
        let to = &self.group(group)?.it;
        if !to.protocol.is_some_and(|of_group| fits(protocol, of_group)) {
            let text = format!("A {protocol} listener cannot forward to the target group '{}'", to.name);
            return refuse("IncompatibleProtocols", text);
        }
        if to.vpc.as_ref() != Some(&it.vpc) {
            return refuse(INVALID, format!("The target group '{}' is in another VPC", to.name));
        }
        if to.family == IpFamily::V6 && it.address_type != AddressType::Dualstack {
            return refuse(
                INVALID,
                format!("The target group '{}' needs a dualstack load balancer", to.name),
            );
        }
        if udp_needs_v6(protocol, it.address_type) && to.family != IpFamily::V6 {
            let text =
                format!("A {protocol} listener of a dualstack load balancer cannot forward to '{}'", to.name);
            return refuse(INVALID, text);
        }
        if self.user_of(group).is_some_and(|user| user != balancer) {
            let text = format!("The target group '{}' is associated with another load balancer", to.name);
            return refuse("TargetGroupAssociationLimit", text);
        }
        Ok(())
    }

    /// Certificate and policies go with TLS, and only with it.
    fn check_tls(&self, protocol: NlbProtocol, spec: &ListenerSpec) -> Done<()> {
        if protocol != NlbProtocol::Tls {
            if spec.certificate.is_some() || spec.ssl_policy.is_some() || spec.alpn.is_some() {
                return refuse(INVALID, format!("A {protocol} listener has no certificate and no policies"));
            }
            return Ok(());
        }
        let Some(certificate) = &spec.certificate else {
            return refuse("ValidationError", "A certificate must be specified for TLS listeners");
        };
        self.check_certificate(certificate)?;
        let Some(policy) = &spec.ssl_policy else {
            return refuse("ValidationError", "A security policy must be specified for TLS listeners");
        };
        if !POLICIES.contains(&policy.as_str()) {
            return refuse("SSLPolicyNotFound", format!("SSL policy '{policy}' not found"));
        }
        if let Some(alpn) = spec.alpn.as_deref().filter(|alpn| !ALPN.contains(alpn)) {
            return refuse("ALPNPolicyNotFound", format!("ALPN policy '{alpn}' not found"));
        }
        Ok(())
    }

    fn check_certificate(&self, arn: &str) -> Done<()> {
        if self.network.certificates.contains(arn) {
            return Ok(());
        }
        refuse("CertificateNotFound", format!("Certificate ARN '{arn}' is not valid"))
    }
}

/// UDP listeners of dualstack load balancers have targets of IPv6 only: "Listeners for your Network Load Balancers".
pub(super) fn udp_needs_v6(protocol: NlbProtocol, address_type: AddressType) -> bool {
    address_type == AddressType::Dualstack && matches!(protocol, NlbProtocol::Udp | NlbProtocol::TcpUdp)
}

/// What a listener becomes: `ModifyListener` leaves certificate and policy as they are where it is not told others, and
/// takes them away with TLS. A change to TLS has to name both. No ALPN policy is told by a word of its own.
fn modified(from: &ListenerSpec, to: &ListenerSpec) -> ListenerSpec {
    let mut spec = to.clone();
    if (from.protocol, to.protocol) == (Some(NlbProtocol::Tls), Some(NlbProtocol::Tls)) {
        spec.certificate = spec.certificate.or_else(|| from.certificate.clone());
        spec.ssl_policy = spec.ssl_policy.or_else(|| from.ssl_policy.clone());
    }
    spec
}

/// Whether a listener of one protocol can forward to a group of another: the table in "Listeners for your Network Load
/// Balancers".
fn fits(listener: NlbProtocol, group: NlbProtocol) -> bool {
    match listener {
        NlbProtocol::Tcp => matches!(group, NlbProtocol::Tcp | NlbProtocol::TcpUdp),
        NlbProtocol::Udp => matches!(group, NlbProtocol::Udp | NlbProtocol::TcpUdp),
        NlbProtocol::TcpUdp => group == NlbProtocol::TcpUdp,
        NlbProtocol::Tls => matches!(group, NlbProtocol::Tcp | NlbProtocol::Tls),
    }
}
