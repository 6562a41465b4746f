//! The account of a small cluster: what `localstack/seed.py` makes for people, made by plain EC2 calls. A test of
//! `landfall-aws-ec2` compares the two.

use std::net::Ipv4Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use landfall_aws::api::ids::{InstanceId, SecurityGroupId, SubnetId, VpcId};

use super::account::{Account, CallError, REGION, Reply};

/// The network's IPv4 range.
const NETWORK: &str = "10.20.0.0/16";
/// Letters of the zones.
const ZONES: [char; 3] = ['a', 'b', 'c'];
/// Which of the network's subnets is the first private one.
const FIRST_PRIVATE: usize = 8;

/// What was made: a network with IPv4 and IPv6, in each of three zones a public and a private subnet with the role
/// tags, an internet gateway with a route from the public ones, the security group of the nodes with the cluster tag, and
/// instances, spread over the private subnets.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The network.
    pub vpc: VpcId,
    /// Names of the zones.
    pub zones: Vec<String>,
    /// The public subnets, in order of the zones.
    pub public: Vec<SubnetId>,
    /// The private subnets, likewise.
    pub private: Vec<SubnetId>,
    /// The security group of the instances.
    pub node_group: SecurityGroupId,
    /// The instances.
    pub instances: Vec<Node>,
}

/// An instance.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its identity.
    pub id: InstanceId,
    /// Name of its zone.
    pub zone: String,
    /// Its address.
    pub address: Ipv4Addr,
}

impl Seed {
    /// Makes it in an account where it is not yet, for the cluster with this name in its tags.
    pub async fn plant(account: &Account, cluster: &str, instances: usize) -> Result<Self, CallError> {
        let gardener = Gardener { account, cluster };
        let zones: Vec<String> = ZONES.iter().map(|letter| format!("{REGION}{letter}")).collect();
        let (vpc, ranges) = gardener.network().await?;
        let (mut public, mut private) = (Vec::new(), Vec::new());
        for (place, zone) in zones.iter().enumerate() {
            public.push(gardener.subnet(&vpc, ranges, zone, place, ("public", "elb")).await?);
            let place = FIRST_PRIVATE + place;
            private.push(gardener.subnet(&vpc, ranges, zone, place, ("private", "internal-elb")).await?);
        }
        gardener.way_out(&vpc, &public).await?;
        let node_group = gardener.node_group(&vpc).await?;
        let mut seed = Self { vpc, zones, public, private, node_group, instances: Vec::new() };
        seed.run(account, cluster, instances).await?;
        Ok(seed)
    }

    /// Runs that many more instances, spread over the zones. Answers the new ones.
    pub async fn run(
        &mut self,
        account: &Account,
        cluster: &str,
        count: usize,
    ) -> Result<&[Node], CallError> {
        let before = self.instances.len();
        for (place, zone) in self.zones.iter().enumerate() {
            let share = (count + ZONES.len() - 1 - place) / ZONES.len();
            if share > 0 {
                let gardener = Gardener { account, cluster };
                let more = gardener.instances(zone, &self.private[place], &self.node_group, share).await?;
                self.instances.extend(more);
            }
        }
        Ok(&self.instances[before..])
    }
}

/// Makes the parts.
#[derive(Clone, Copy)]
struct Gardener<'a> {
    account: &'a Account,
    cluster: &'a str,
}

type Ranges = (Ipv4Net, Option<Ipv6Net>);

impl Gardener<'_> {
    async fn make(
        self,
        action: &str,
        kind: &str,
        tags: &[(&str, &str)],
        parameters: &[(&str, &str)],
    ) -> Result<Reply, CallError> {
        let owned = format!("kubernetes.io/cluster/{}", self.cluster);
        let mut all = vec![("TagSpecification.1.ResourceType".to_owned(), kind)];
        for (n, (key, value)) in [(owned.as_str(), "owned")].iter().chain(tags).enumerate() {
            all.push((format!("TagSpecification.1.Tag.{}.Key", n + 1), key));
            all.push((format!("TagSpecification.1.Tag.{}.Value", n + 1), value));
        }
        let tagged = all.iter().map(|(key, value)| (key.as_str(), *value));
        let parameters: Vec<(&str, &str)> = tagged.chain(parameters.iter().copied()).collect();
        self.account.ec2(action, &parameters).await
    }

    fn name(self, of: &str) -> String {
        format!("{}-{of}", self.cluster)
    }

    async fn network(self) -> Result<(VpcId, Ranges), CallError> {
        let parameters = [("CidrBlock", NETWORK), ("AmazonProvidedIpv6CidrBlock", "true")];
        let made = self.make("CreateVpc", "vpc", &[("Name", &self.name("network"))], &parameters).await?;
        let vpc = VpcId::from(made.text("vpcId")?);
        let v4 = NETWORK.parse().unwrap_or_default();
        let v6 = made.texts("ipv6CidrBlock").into_iter().find_map(|range| range.parse().ok());
        Ok((vpc, (v4, v6)))
    }

    /// A subnet: name and role are its kind.
    async fn subnet(
        self,
        vpc: &VpcId,
        ranges: Ranges,
        zone: &str,
        place: usize,
        kind: (&str, &str),
    ) -> Result<SubnetId, CallError> {
        let v4 = ranges.0.subnets(20).ok().and_then(|mut all| all.nth(place)).unwrap_or_default().to_string();
        let v6 = ranges.1.and_then(|range| range.subnets(64).ok()?.nth(place)).map(|range| range.to_string());
        let mut parameters = vec![("VpcId", vpc.as_str()), ("AvailabilityZone", zone), ("CidrBlock", &v4)];
        parameters.extend(v6.as_deref().map(|range| ("Ipv6CidrBlock", range)));
        let (name, role) =
            (self.name(&format!("{}-{zone}", kind.0)), format!("kubernetes.io/role/{}", kind.1));
        let tags = [("Name", name.as_str()), (role.as_str(), "1")];
        let made = self.make("CreateSubnet", "subnet", &tags, &parameters).await?;
        Ok(SubnetId::from(made.text("subnetId")?))
    }

    async fn way_out(self, vpc: &VpcId, subnets: &[SubnetId]) -> Result<(), CallError> {
        let name = self.name("gateway");
        let made = self.make("CreateInternetGateway", "internet-gateway", &[("Name", &name)], &[]).await?;
        let gateway = made.text("internetGatewayId")?;
        let attach = [("InternetGatewayId", gateway), ("VpcId", vpc.as_str())];
        self.account.ec2("AttachInternetGateway", &attach).await?;
        let name = self.name("public");
        let in_vpc = [("VpcId", vpc.as_str())];
        let made = self.make("CreateRouteTable", "route-table", &[("Name", &name)], &in_vpc).await?;
        let table = made.text("routeTableId")?;
        let route = [("RouteTableId", table), ("DestinationCidrBlock", "0.0.0.0/0"), ("GatewayId", gateway)];
        self.account.ec2("CreateRoute", &route).await?;
        for subnet in subnets {
            let association = [("RouteTableId", table), ("SubnetId", subnet.as_str())];
            self.account.ec2("AssociateRouteTable", &association).await?;
        }
        Ok(())
    }

    async fn node_group(self, vpc: &VpcId) -> Result<SecurityGroupId, CallError> {
        let (name, description) = (self.name("nodes"), format!("Nodes of {}", self.cluster));
        let parameters = [
            ("GroupName", name.as_str()),
            ("GroupDescription", description.as_str()),
            ("VpcId", vpc.as_str()),
        ];
        let made =
            self.make("CreateSecurityGroup", "security-group", &[("Name", &name)], &parameters).await?;
        Ok(SecurityGroupId::from(made.text("groupId")?))
    }

    async fn instances(
        self,
        zone: &str,
        subnet: &SubnetId,
        group: &SecurityGroupId,
        count: usize,
    ) -> Result<Vec<Node>, CallError> {
        let (name, count) = (self.name(&format!("node-{zone}")), count.to_string());
        let parameters = [
            ("ImageId", "ami-00000000000000001"),
            ("InstanceType", "t3.small"),
            ("MinCount", &count),
            ("MaxCount", &count),
            ("SubnetId", subnet.as_str()),
            ("SecurityGroupId.1", group.as_str()),
        ];
        let made = self.make("RunInstances", "instance", &[("Name", &name)], &parameters).await?;
        let ids = made.texts("instanceId").into_iter();
        // The instances' own addresses stand below their interfaces', in which each is told twice.
        let addresses = made.texts("privateIpAddress").into_iter().filter_map(|text| text.parse().ok());
        let mut addresses: Vec<Ipv4Addr> = addresses.collect();
        addresses.dedup();
        let nodes = ids.zip(addresses);
        Ok(nodes.map(|(id, address)| Node { id: id.into(), zone: zone.to_owned(), address }).collect())
    }
}
