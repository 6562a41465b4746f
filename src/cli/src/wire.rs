//! The one place that names providers: which are compiled in, how they are chosen, and how each is made.
//!
//! A provider is a cargo feature of this crate and one line in [`COMPILED`].

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, ensure};
use landfall_core::ids::{ClusterId, ProviderName};
use landfall_core::provider::Provider;

/// A provider that this program was compiled with.
#[derive(Clone, Copy)]
pub(crate) struct Compiled {
    name: ProviderName,
    make: fn(&ClusterId) -> Arc<dyn Provider>,
}

/// Every provider of this program, in the order they are listed to people.
const COMPILED: &[Compiled] = &[
    #[cfg(feature = "metal")]
    Compiled { name: ProviderName::Metal, make: |_| Arc::new(landfall_metal::MetalProvider::new()) },
];

impl Compiled {
    /// The provider. Does no I/O.
    pub(crate) fn make(self, cluster: &ClusterId) -> Arc<dyn Provider> {
        (self.make)(cluster)
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }
}

/// One name of `--providers`.
pub(crate) fn parse(text: &str) -> Result<Compiled, String> {
    COMPILED.iter().copied().find(|one| one.name.as_str() == text.trim()).ok_or_else(|| {
        let accepted: Vec<&str> = COMPILED.iter().map(|one| one.name.as_str()).collect();
        if ProviderName::ALL.iter().any(|name| name.as_str() == text.trim()) {
            format!("it is not compiled into this program; compiled in: {}", accepted.join(", "))
        } else {
            format!("there is no such provider; compiled in: {}", accepted.join(", "))
        }
    })
}

/// The providers chosen, each once; all that are compiled in if none was named. Fails if there is none at all.
pub(crate) fn chosen(named: &[Compiled]) -> Result<Vec<Compiled>> {
    ensure!(!COMPILED.is_empty(), "this program was compiled without any provider (cargo features: metal)");
    let asked = |one: &&Compiled| named.is_empty() || named.iter().any(|other| other.name == one.name);
    Ok(COMPILED.iter().filter(asked).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_made_under_its_own_name() {
        let cluster = ClusterId::new("default").unwrap();
        for one in COMPILED {
            assert_eq!(one.make(&cluster).name(), one.name);
            let twice = chosen(&[parse(one.name.as_str()).unwrap(), *one]).unwrap();
            assert_eq!(twice.iter().map(|one| one.name).collect::<Vec<_>>(), [one.name], "once");
        }
        assert_eq!(chosen(&[]).ok().map(|all| all.len()).unwrap_or_default(), COMPILED.len());
    }

    #[test]
    fn an_unknown_provider_and_one_that_is_not_compiled_in_are_told_apart() {
        assert!(parse("azure").unwrap_err().contains("no such provider"));
        assert!(parse("memory").unwrap_err().contains("not compiled into"));
    }
}
