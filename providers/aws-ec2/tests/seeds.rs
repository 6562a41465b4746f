//! `localstack/seed.py`, which people run, and the testkit's seed make the same account.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of the test functions that clippy exempts"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ipnet::Ipv6Net;
use landfall_aws::api::Tags;
use landfall_aws::api::ec2::{Ec2, WhichSecurityGroups};
use landfall_aws::api::ids::{InstanceId, VpcId};
use landfall_aws_ec2::Ec2Client;
use landfall_testkit::aws::account::Account;
use landfall_testkit::aws::moto::{Moto, PYTHON};
use landfall_testkit::aws::proxy::Proxy;
use landfall_testkit::aws::seed::Seed;

const CLUSTER: &str = "twin";

struct World {
    account: Account,
    proxy: Proxy,
    ec2: Ec2Client,
}

impl World {
    async fn new() -> Self {
        let account = Moto::shared().await.unwrap_or_else(|error| panic!("{error}")).account();
        let proxy = Proxy::start(&account).await.unwrap();
        let ec2 = Ec2Client::new(&proxy.config().await.unwrap());
        Self { account, proxy, ec2 }
    }

    /// Runs the script. Answers the instances that it prints as nodes.
    async fn run_script(&self) -> Vec<InstanceId> {
        let mut script = Command::new(std::env::var(PYTHON).unwrap());
        script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../localstack/seed.py"));
        script.args(["--cluster", CLUSTER]).env("AWS_ENDPOINT_URL", self.proxy.url());
        let run = tokio::task::spawn_blocking(move || script.output()).await.unwrap().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let nodes = String::from_utf8(run.stdout).unwrap();
        let ids = nodes.lines().filter_map(|line| line.trim().strip_prefix("\"providerID\": \"aws:///"));
        ids.map(|id| InstanceId::from(id.trim_end_matches('"').split_once('/').unwrap().1)).collect()
    }

    /// What is there, one line per thing, with names for ids. moto draws the network's IPv6 range and the instances'
    /// addresses at random: they are left out.
    async fn picture(&self, instances: &[InstanceId]) -> Vec<String> {
        let mut lines = Vec::new();
        for (kind, name) in [("Vpcs", "network"), ("InternetGateways", "gateway"), ("RouteTables", "public")]
        {
            lines.push(format!("{kind} {:?}", self.tags(&format!("Describe{kind}"), name).await));
        }
        let vpc = VpcId::from(self.described("DescribeVpcs", "network").await.text("vpcId").unwrap());
        let vpc = self.ec2.vpc(&vpc).await.unwrap();
        let wide = vpc.ranges.iter().find_map(|range| range.to_string().parse::<Ipv6Net>().ok()).unwrap();
        lines.push(format!("network {} of {}", vpc.ranges[0], vpc.ranges.len()));
        let mut names = BTreeMap::new();
        for subnet in self.ec2.subnets(&vpc.id, None).await.unwrap().items {
            let place = wide.subnets(64).unwrap().position(|range| subnet.ipv6_cidrs == [range]);
            lines.push(format!("subnet {} {:?} {place:?} {:?}", subnet.zone, subnet.cidr, subnet.tags));
            names.insert(subnet.id, subnet.tags["Name"].clone());
        }
        for table in self.ec2.route_tables(&vpc.id, None).await.unwrap().items {
            let mut on: Vec<_> = table.subnets.iter().map(|id| &names[id]).collect();
            on.sort();
            lines.push(format!("routes {} {} {on:?}", table.main, table.internet));
        }
        let ours = Tags::from([(format!("kubernetes.io/cluster/{CLUSTER}"), "owned".to_owned())]);
        let mut groups = BTreeMap::new();
        for group in self.ec2.security_groups(&WhichSecurityGroups::Tagged(ours), None).await.unwrap().items {
            lines.push(format!(
                "group {} {} {:?} {:?}",
                group.name, group.description, group.ingress, group.tags
            ));
            groups.insert(group.id, group.name);
        }
        for instance in self.ec2.instances(instances, None).await.unwrap().items {
            let within: Vec<_> = instance.security_groups.iter().map(|id| &groups[id]).collect();
            let (zone, state) = (instance.zone, instance.state);
            lines.push(format!(
                "instance {zone} {state} {} {within:?} {:?}",
                instance.vpc == Some(vpc.id.clone()),
                instance.tags
            ));
        }
        lines.sort();
        lines
    }

    async fn described(&self, action: &str, name: &str) -> landfall_testkit::aws::account::Reply {
        let name = format!("{CLUSTER}-{name}");
        let filter = [("Filter.1.Name", "tag:Name"), ("Filter.1.Value.1", name.as_str())];
        self.account.ec2(action, &filter).await.unwrap()
    }

    async fn tags(&self, action: &str, name: &str) -> BTreeMap<String, String> {
        let reply = self.described(action, name).await;
        let (keys, values) = (reply.texts("key"), reply.texts("value"));
        keys.into_iter().map(str::to_owned).zip(values.into_iter().map(str::to_owned)).collect()
    }
}

#[tokio::test]
async fn both_seeds_make_the_same_account() {
    let (people, tests) = (World::new().await, World::new().await);
    let by_script = people.run_script().await;
    let seed = Seed::plant(&tests.account, CLUSTER, 3).await.unwrap();
    let by_testkit: Vec<_> = seed.instances.into_iter().map(|node| node.id).collect();
    let (by_script, by_testkit) = (people.picture(&by_script).await, tests.picture(&by_testkit).await);
    assert_eq!(by_script, by_testkit);
    let count = |kind: &str| by_script.iter().filter(|line| line.starts_with(kind)).count();
    assert_eq!([count("subnet"), count("instance"), count("group")], [6, 3, 1], "{by_script:#?}");
}
