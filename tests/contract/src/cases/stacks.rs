//! Families.

use landfall_core::model::FamilyPolicy;
use landfall_core::net::IpFamily;

use crate::expect::{addresses, hostnames};
use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// One address of each family, the primary one first.
pub async fn dual_stack_has_both_addresses<W: World>() {
    for first in IpFamily::BOTH {
        let mut stage = Stage::<W>::new().await;
        let desired = wishes::lone(stage.provider.name()).with(wishes::dual(first));
        if !stage.provider.capabilities().dual_stack {
            assert_ne!(stage.provider.validate(&desired), [], "two families must be refused");
            stage.finish().await;
            continue;
        }
        let outcome = stage.converge(&desired).await;
        let families: Vec<IpFamily> = addresses(&outcome).iter().map(IpFamily::of).collect();
        // `Stage` checks that a host name leads to both.
        if hostnames(&outcome).is_empty() {
            assert_eq!(families.first(), Some(&first));
            assert_eq!(families.len(), 2);
        }
        stage.assert_settled(&desired).await;
        stage.restart().await;
        stage.assert_settled(&desired).await;
        stage.finish().await;
    }
}

/// No IPv4 address where none is asked for.
pub async fn ipv6_alone_is_served<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let six = |m: landfall_core::model::Member| m.stack(&[IpFamily::V6], FamilyPolicy::SingleStack);
    let desired = wishes::lone(stage.provider.name()).with(six);
    let outcome = stage.converge(&desired).await;
    assert!(addresses(&outcome).iter().all(std::net::IpAddr::is_ipv6), "{:?}", outcome.ingress);
    stage.assert_settled(&desired).await;
    stage.finish().await;
}
