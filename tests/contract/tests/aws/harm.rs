//! What others do: damage to what is ours, and things of theirs in our way.

use landfall_aws::api::Tags;
use landfall_aws::api::ec2::{NewSecurityGroup, Rule, SecurityGroup};
use landfall_aws::api::elb::{
    AddressType, HealthCheck, NewLoadBalancer, NewTargetGroup, SubnetMapping, TargetGroup,
};
use landfall_aws::api::ids::VpcId;
use landfall_aws::marks;

use crate::site::{Seen, SeenBalancer, Site, cluster, is_ours};

/// Kinds of damage.
pub(crate) const DAMAGES: &[&str] = &[
    "load balancer deleted",
    "load balancer's attribute edited",
    "load balancer's families edited",
    "load balancer's groups edited",
    "listener deleted",
    "listener led astray",
    "target group deleted",
    "target group's health check edited",
    "target group's attribute edited",
    "target group's member edited",
    "targets removed",
    "rule revoked",
    "rule added",
    "nodes closed",
];

/// Kinds of things that can be in our way.
pub(crate) const OBSTACLES: &[&str] =
    &["load balancer", "target group", "target group just like it", "security group"];

impl Site {
    /// Does one kind of damage. Answers whether the address is lost by it.
    pub(crate) async fn damage(&self, what: &str) -> bool {
        let seen = self.see().await;
        match what.split_once(' ').unwrap() {
            ("load", _) => self.damage_balancer(what, &seen).await,
            ("listener", _) => self.damage_listener(what, &seen).await,
            ("target" | "targets", _) => self.damage_group(what, &seen).await,
            _ => self.damage_rules(what, &seen).await,
        }
        what == "load balancer deleted"
    }

    async fn damage_balancer(&self, what: &str, seen: &Seen) {
        let it = &seen.ours().it;
        let done = match what {
            "load balancer deleted" => self.elb.delete_balancer(&it.arn).await,
            "load balancer's attribute edited" => {
                let cross = tags("load_balancing.cross_zone.enabled", "true");
                self.elb.modify_balancer_attributes(&it.arn, &cross).await
            }
            "load balancer's families edited" => {
                self.elb.set_address_type(&it.arn, AddressType::Dualstack).await
            }
            "load balancer's groups edited" => {
                self.elb.set_security_groups(&it.arn, &it.security_groups[..1], None).await
            }
            other => panic!("unknown damage {other}"),
        };
        done.unwrap();
    }

    async fn damage_listener(&self, what: &str, seen: &Seen) {
        let listener = &seen.ours().listeners[0].0;
        if what == "listener deleted" {
            return self.elb.delete_listener(&listener.arn).await.unwrap();
        }
        let astray = like(&seen.our_group().it, "astray", strange());
        let astray = self.elb.create_group(&astray).await.unwrap();
        let mut spec = listener.spec.clone();
        spec.forward = Some(astray.arn);
        self.elb.modify_listener(&listener.arn, &spec).await.unwrap();
    }

    async fn damage_group(&self, what: &str, seen: &Seen) {
        let group = seen.our_group();
        let arn = &group.it.arn;
        let done = match what {
            "target group deleted" => {
                self.elb.delete_listener(&seen.ours().listeners[0].0.arn).await.unwrap();
                self.elb.delete_group(arn).await
            }
            "target group's health check edited" => {
                let health = HealthCheck { interval: 30, ..group.it.health.clone() };
                self.elb.modify_group(arn, &health).await
            }
            "target group's attribute edited" => {
                let delay = tags("deregistration_delay.timeout_seconds", "17");
                self.elb.modify_group_attributes(arn, &delay).await
            }
            "target group's member edited" => {
                let nobody = tags("landfall.dev/member", "nobody");
                self.elb.add_tags(&[arn.to_string()], &nobody).await
            }
            "targets removed" => {
                let targets: Vec<_> = group.targets.iter().cloned().collect();
                self.elb.deregister(arn, &targets).await
            }
            other => panic!("unknown damage {other}"),
        };
        done.unwrap();
    }

    async fn damage_rules(&self, what: &str, seen: &Seen) {
        let frontend = seen.frontend();
        let rule = frontend.ingress[0].clone();
        let done = match what {
            "rule revoked" => self.ec2.revoke(&frontend.id, &[rule]).await,
            "rule added" => {
                let allow = landfall_aws::api::ec2::Allow::Tcp(1, 65_535);
                self.ec2.authorize(&frontend.id, &[Rule { allow, ..rule }]).await
            }
            "nodes closed" => {
                let mark = marks::backend_rule(&cluster());
                let lets_in =
                    |group: &&SecurityGroup| group.ingress.iter().any(|rule| rule.description == mark);
                let nodes = seen.security.iter().find(lets_in).unwrap();
                let ours: Vec<Rule> =
                    nodes.ingress.iter().filter(|rule| rule.description == mark).cloned().collect();
                self.ec2.revoke(&nodes.id, &ours).await
            }
            other => panic!("unknown damage {other}"),
        };
        done.unwrap();
    }

    /// Puts something of somebody in the way of what was seen elsewhere. Answers its name.
    pub(crate) async fn obstruct(&self, what: &str, elsewhere: &Seen, vpc: &VpcId, subnet: &str) -> String {
        let group = &elsewhere.our_group().it;
        match what {
            "load balancer" => {
                let it = &elsewhere.ours().it;
                let new = NewLoadBalancer {
                    name: it.name.clone(),
                    scheme: it.scheme,
                    address_type: it.address_type,
                    subnets: vec![bare(subnet)],
                    security_groups: Vec::new(),
                    source_nat: false,
                    tags: strange(),
                };
                self.elb.create_balancer(&new).await.unwrap().name
            }
            "target group just like it" => {
                let new = NewTargetGroup { vpc: vpc.clone(), ..like(group, &group.name, strange()) };
                self.elb.create_group(&new).await.unwrap().name
            }
            "target group" => {
                let like = like(group, &group.name, strange());
                let new = NewTargetGroup { vpc: vpc.clone(), port: group.port + 1, ..like };
                self.elb.create_group(&new).await.unwrap().name
            }
            "security group" => {
                let name = elsewhere.frontend().name.clone();
                let description = "of somebody".to_owned();
                let new =
                    NewSecurityGroup { name: name.clone(), description, vpc: vpc.clone(), tags: strange() };
                self.ec2.create_security_group(&new).await.unwrap();
                name
            }
            other => panic!("unknown obstacle {other}"),
        }
    }

    /// Somebody takes away what is theirs.
    pub(crate) async fn clear_strangers(&self) {
        let seen = self.see().await;
        let theirs = |tags: &Tags| marks::carries(tags, &strange());
        for balancer in seen.balancers.iter().filter(|one| theirs(&one.tags)) {
            self.elb.delete_balancer(&balancer.it.arn).await.unwrap();
        }
        for group in seen.groups.iter().filter(|one| theirs(&one.tags)) {
            self.elb.delete_group(&group.it.arn).await.unwrap();
        }
        for group in seen.security.iter().filter(|one| theirs(&one.tags)) {
            self.ec2.delete_security_group(&group.id).await.unwrap();
        }
    }
}

impl Seen {
    fn ours(&self) -> &SeenBalancer {
        self.balancers.iter().find(|one| is_ours(&one.tags)).unwrap()
    }

    fn our_group(&self) -> &crate::site::SeenGroup {
        self.groups.iter().find(|one| is_ours(&one.tags)).unwrap()
    }

    fn frontend(&self) -> &SecurityGroup {
        let backend = marks::of_backend(&cluster());
        let is = |group: &&SecurityGroup| is_ours(&group.tags) && !marks::carries(&group.tags, &backend);
        self.security.iter().find(is).unwrap()
    }
}

fn tags(key: &str, value: &str) -> Tags {
    Tags::from([(key.to_owned(), value.to_owned())])
}

fn strange() -> Tags {
    tags("owner", "somebody")
}

fn bare(subnet: &str) -> SubnetMapping {
    SubnetMapping {
        subnet: subnet.into(),
        allocation: None,
        private_ipv4: None,
        ipv6: None,
        source_nat_prefix: None,
    }
}

fn like(it: &TargetGroup, name: &str, tags: Tags) -> NewTargetGroup {
    NewTargetGroup {
        name: name.to_owned(),
        protocol: it.protocol.unwrap(),
        port: it.port,
        vpc: it.vpc.clone().unwrap(),
        targets: it.targets.unwrap(),
        family: it.family,
        health: it.health.clone(),
        tags,
    }
}
