//! What a project has before anybody calls: networks, subnets, regions and instances.

use landfall_gcp::api::{Kind, Place, Reference};
use serde_json::{Value, json};

use super::FakeCompute;
use super::json::Fields;
use super::operations::BASE;
use super::state::State;
use super::store::Record;

/// The project that load balancers are in.
pub const PROJECT: &str = "test-project";
/// A project that shares its network [`SHARED_NETWORK`] with [`PROJECT`].
pub const HOST_PROJECT: &str = "host-project";
/// The region that everything is in.
pub const REGION: &str = "europe-west1";
/// Its zones.
pub const ZONES: [&str; 3] = ["europe-west1-b", "europe-west1-c", "europe-west1-d"];
/// Another region, with the zone `us-central1-a` and nothing in it but the subnet `far`.
pub const OTHER_REGION: &str = "us-central1";
/// The network of [`PROJECT`].
pub const NETWORK: &str = "main";
/// The subnet of the instances, `10.0.0.0/20`: dual-stack, with external IPv6.
pub const SUBNET: &str = "nodes";
/// A subnet without instances, `10.1.0.0/20`: dual-stack, with internal IPv6.
pub const INTERNAL_SUBNET: &str = "inside";
/// A subnet without instances, `10.2.0.0/20`: IPv4 only.
pub const PLAIN_SUBNET: &str = "plain";
/// The network of [`HOST_PROJECT`]; its subnet has the same name and `10.8.0.0/20`, IPv4 only.
pub const SHARED_NETWORK: &str = "shared";
/// A range of external IPv6 addresses that [`PROJECT`] brought along: a public delegated prefix, without the host.
pub const IP_COLLECTION: &str = "projects/test-project/regions/europe-west1/publicDelegatedPrefixes/byo";
/// The network tag of all instances.
pub const TAG: &str = "k8s-node";

/// A virtual machine to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance {
    /// Its name.
    pub name: String,
    /// One of [`ZONES`].
    pub zone: String,
    /// Primary internal IPv4 address, in the subnet.
    pub address: String,
    /// The subnet that it is in: one of [`FakeCompute::subnet`].
    pub subnet: Reference,
    /// Network tags.
    pub tags: Vec<String>,
    /// Its service account.
    pub service_account: String,
}

impl NewInstance {
    /// The instance `node-NUMBER` of the project, with what all have; `number` from 0 to 2000 chooses zone and address.
    pub fn node(number: usize) -> Self {
        let host = number + 16;
        Self {
            name: format!("node-{number}"),
            zone: ZONES[number % ZONES.len()].to_owned(),
            address: format!("10.0.{}.{}", host / 256, host % 256),
            subnet: FakeCompute::subnet(SUBNET),
            tags: vec![TAG.to_owned()],
            service_account: format!("nodes@{PROJECT}.iam.gserviceaccount.com"),
        }
    }

    /// Where it will be.
    pub fn reference(&self) -> Reference {
        Place::zone(PROJECT, &*self.zone).at(Kind::Instance, &*self.name)
    }

    fn body(&self, network: &Value) -> Value {
        json!({
            "zone": format!("{BASE}projects/{PROJECT}/zones/{}", self.zone),
            "status": "RUNNING",
            "tags": { "items": self.tags },
            "networkInterfaces": [{
                "name": "nic0",
                "network": network,
                "subnetwork": self.subnet.url(),
                "networkIP": self.address,
            }],
            "serviceAccounts": [{ "email": self.service_account }],
        })
    }
}

impl State {
    /// Two projects, a shared and an own network, two regions, and no instance.
    pub(super) fn with_networks() -> Self {
        let mut state = Self::new();
        for project in [PROJECT, HOST_PROJECT] {
            state.projects.insert(project.to_owned());
            state.seed_region(project, REGION, &ZONES);
            state.seed_region(project, OTHER_REGION, &["us-central1-a"]);
        }
        let own = state.seed(Place::global(PROJECT).at(Kind::Network, NETWORK), json!({}));
        let shared = state.seed(Place::global(HOST_PROJECT).at(Kind::Network, SHARED_NETWORK), json!({}));
        let external = json!({
            "stackType": "IPV4_IPV6", "ipv6AccessType": "EXTERNAL", "externalIpv6Prefix": "2600:1900:4000:1::/64",
        });
        let internal = json!({
            "stackType": "IPV4_IPV6", "ipv6AccessType": "INTERNAL", "internalIpv6Prefix": "fd20:0:0:1::/64",
        });
        state.seed_subnet(PROJECT, REGION, SUBNET, (&own, "10.0.0.0/20"), external);
        state.seed_subnet(PROJECT, REGION, INTERNAL_SUBNET, (&own, "10.1.0.0/20"), internal);
        state.seed_subnet(PROJECT, REGION, PLAIN_SUBNET, (&own, "10.2.0.0/20"), json!({}));
        state.seed_subnet(PROJECT, OTHER_REGION, "far", (&own, "10.3.0.0/20"), json!({}));
        state.seed_subnet(HOST_PROJECT, REGION, SHARED_NETWORK, (&shared, "10.8.0.0/20"), json!({}));
        state
    }

    /// Adds an instance.
    pub(super) fn seed_instance(&mut self, new: &NewInstance) {
        let subnet = self.store.get(&new.subnet);
        let network = subnet.and_then(|subnet| subnet.body.get("network")).cloned().unwrap_or_default();
        self.seed(new.reference(), new.body(&network));
    }

    /// Puts something there as if it had always been there.
    pub(super) fn seed(&mut self, what: Reference, body: Value) -> Reference {
        let mut dressed = Fields::new();
        self.dress(&what, &mut dressed);
        if let Value::Object(body) = body {
            dressed.extend(body);
        }
        self.store.put(what.clone(), Record { body: dressed, seeded: true, ..Record::default() });
        what
    }

    fn seed_region(&mut self, project: &str, region: &str, zones: &[&str]) {
        let url = |zone: &&str| format!("{BASE}projects/{project}/zones/{zone}");
        let zones: Vec<String> = zones.iter().map(url).collect();
        self.seed(Place::global(project).at(Kind::Region, region), json!({ "status": "UP", "zones": zones }));
    }

    fn seed_subnet(
        &mut self,
        project: &str,
        region: &str,
        name: &str,
        (network, range): (&Reference, &str),
        more: Value,
    ) {
        let mut body = json!({
            "network": network.url(), "ipCidrRange": range, "purpose": "PRIVATE", "stackType": "IPV4_ONLY",
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.seed(Place::region(project, region).at(Kind::Subnetwork, name), body);
    }
}
