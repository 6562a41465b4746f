//! Where resources are, and the URLs that tell one.

use std::fmt;

use serde::{Serialize, Serializer};

use super::kind::Kind;

/// Where a resource lives inside a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// In a region.
    Region(String),
    /// In a zone.
    Zone(String),
}

/// A project and a scope in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Project id.
    pub project: String,
    /// Scope.
    pub scope: Scope,
}

impl Place {
    /// The global resources of a project.
    pub fn global(project: impl Into<String>) -> Self {
        Self { project: project.into(), scope: Scope::Global }
    }

    /// A region of a project.
    pub fn region(project: impl Into<String>, region: impl Into<String>) -> Self {
        Self { project: project.into(), scope: Scope::Region(region.into()) }
    }

    /// A zone of a project.
    pub fn zone(project: impl Into<String>, zone: impl Into<String>) -> Self {
        Self { project: project.into(), scope: Scope::Zone(zone.into()) }
    }

    /// The resource of this kind and name here.
    pub fn at(&self, kind: Kind, name: impl Into<String>) -> Reference {
        Reference { place: self.clone(), kind, name: name.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projects/{}/", self.project)?;
        match &self.scope {
            Scope::Global => f.write_str("global"),
            Scope::Region(region) => write!(f, "regions/{region}"),
            Scope::Zone(zone) => write!(f, "zones/{zone}"),
        }
    }
}

/// One resource. `Display` is its path below the version: `projects/P/regions/R/forwardingRules/N`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Where it is. A region itself is in the global scope.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// What the URLs of resources begin with in answers. Requests may say it, or leave it out.
const BASE: &str = "https://www.googleapis.com/compute/v1/";

impl Reference {
    /// The URL as answers spell it.
    pub fn url(&self) -> String {
        format!("{BASE}{self}")
    }

    /// Reads a URL: with any host and version, or from `projects/` on. `None` if it is not one of a kind that we know.
    pub fn parse(url: &str) -> Option<Self> {
        let path = match url.find("projects/") {
            Some(0) => url,
            Some(at) if url[..at].ends_with('/') => &url[at..],
            _ => return None,
        };
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["projects", project, "global", collection, name] => {
                Self::read(Place::global(*project), collection, name)
            }
            ["projects", project, "regions", region, collection, name] => {
                Self::read(Place::region(*project, *region), collection, name)
            }
            ["projects", project, "zones", zone, collection, name] => {
                Self::read(Place::zone(*project, *zone), collection, name)
            }
            ["projects", project, "regions", region] => {
                Self::read(Place::global(*project), Kind::Region.collection(), region)
            }
            _ => None,
        }
    }

    fn read(place: Place, collection: &str, name: &str) -> Option<Self> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.collection() == collection)?;
        (!name.is_empty()).then(|| Self { place, kind, name: name.to_owned() })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Kind::Region {
            return write!(f, "projects/{}/regions/{}", self.place.project, self.name);
        }
        write!(f, "{}/{}/{}", self.place, self.kind.collection(), self.name)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Place::global("p").at(Kind::Firewall, "f"), "projects/p/global/firewalls/f")]
    #[case(Place::region("p", "r").at(Kind::ForwardingRule, "f"), "projects/p/regions/r/forwardingRules/f")]
    #[case(Place::zone("p", "z").at(Kind::EndpointGroup, "n"), "projects/p/zones/z/networkEndpointGroups/n")]
    #[case(Place::global("p").at(Kind::Region, "r"), "projects/p/regions/r")]
    fn paths_and_urls_are_read_back(#[case] reference: Reference, #[case] path: &str) {
        assert_eq!(reference.to_string(), path);
        assert_eq!(Reference::parse(path), Some(reference.clone()));
        assert_eq!(Reference::parse(&reference.url()), Some(reference.clone()));
        let other_host = format!("https://compute.googleapis.com/compute/v1/{path}");
        assert_eq!(Reference::parse(&other_host), Some(reference));
    }

    #[rstest]
    #[case("")]
    #[case("web")]
    #[case("projects/p/regions/r/vpnGateways/v")]
    #[case("projects/p/regions/r/addresses/")]
    #[case("https://example.com/myprojects/p/global/firewalls/f")]
    fn what_is_no_resource_of_ours_is_not_read(#[case] url: &str) {
        assert_eq!(Reference::parse(url), None);
    }
}
