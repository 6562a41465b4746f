//! Wishes that cannot be served.

use std::collections::BTreeSet;

use landfall_core::ids::ProviderName;
use landfall_core::params::ClassParams;
use landfall_core::params::metal::MetalParams;

use crate::stage::Stage;
use crate::wishes;
use crate::world::World;

/// Each mistake alone is refused; all of them together are refused all at once, field by field, without a call.
pub async fn every_reason_is_told_at_once<W: World>() {
    let stage = Stage::<W>::new().await;
    let before = stage.world.traffic();
    let good = wishes::lone(stage.provider.name());
    let mistakes = stage.world.mistakes();
    let mut fields = BTreeSet::new();
    for mistake in &mistakes {
        let refusals = stage.provider.validate(&good.clone().with(mistake));
        assert!(!refusals.is_empty(), "a mistake went unnoticed");
        for refusal in refusals {
            assert!(!refusal.message.is_empty() && !refusal.field.is_empty(), "{refusal:?}");
            assert_eq!(refusal.member.as_ref(), Some(&good.members[0].service));
            fields.insert(refusal.field);
        }
    }
    assert!(fields.len() >= 2, "the mistakes of the world are about one field: {fields:?}");
    let all = mistakes.iter().fold(good, |wish, mistake| wish.with(*mistake));
    let told: BTreeSet<String> =
        stage.provider.validate(&all).into_iter().map(|refusal| refusal.field).collect();
    assert_eq!(told, fields);
    assert_eq!(stage.world.traffic(), before, "validation is pure");
    stage.finish().await;
}

/// A class whose parameters are for somebody else is refused as a whole.
pub async fn parameters_of_another_provider_are_refused<W: World>() {
    let stage = Stage::<W>::new().await;
    if stage.provider.name() != ProviderName::Metal {
        let desired = wishes::lone(stage.provider.name()).params(ClassParams::Metal(MetalParams::default()));
        assert_ne!(stage.provider.validate(&desired), []);
    }
    assert_eq!(stage.provider.validate(&wishes::lone(stage.provider.name())), []);
    stage.finish().await;
}
