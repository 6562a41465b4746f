//! Who takes part in an election.

use std::fmt;
use std::fs;

use thiserror::Error;
use uuid::Uuid;

/// The name of one participant: one per process start, unique in the cluster.
///
/// Two processes with the same identity would both believe that they hold the lease; a restarted process must not
/// mistake its predecessor's record for its own. So the usual way to get one is [`Identity::unique`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(String);

/// An identity must name somebody: the empty string means "released".
#[derive(Debug, Error, PartialEq, Eq)]
#[error("leader election identity {0:?} is not accepted: it must contain a visible character")]
pub struct EmptyIdentity(String);

impl Identity {
    /// Exactly `name`. The caller answers for its being unique.
    pub fn new(name: impl Into<String>) -> Result<Self, EmptyIdentity> {
        let name = name.into();
        if name.trim().is_empty() { Err(EmptyIdentity(name)) } else { Ok(Self(name)) }
    }

    /// `host`, an underscore, and a random suffix: the form that Kubernetes' own components write.
    pub fn unique(host: &str) -> Self {
        Self(format!("{host}_{}", Uuid::new_v4()))
    }

    /// [`Identity::unique`] for the name of this host, in a pod the name of the pod.
    pub fn of_this_host() -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim();
        Self::unique(if host.is_empty() { "landfall" } else { host })
    }

    /// The text in `holderIdentity`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_refused() {
        assert_eq!(
            Identity::new(" ").unwrap_err().to_string(),
            "leader election identity \" \" is not accepted: it must contain a visible character"
        );
        assert_eq!(Identity::new("a").unwrap().as_str(), "a");
    }

    #[test]
    fn two_starts_on_one_host_differ() {
        let (a, b) = (Identity::unique("node-1"), Identity::unique("node-1"));
        assert_ne!(a, b);
        assert!(a.as_str().starts_with("node-1_"), "{a}");
        assert_ne!(Identity::of_this_host(), Identity::of_this_host());
    }
}
