//! Plans: true, harmless, and empty when nothing is to be done.

use crate::stage::Stage;
use crate::transition::Transition;
use crate::wishes;
use crate::world::World;

/// For a new load balancer and for every way from one wish to another.
pub async fn the_plan_is_what_ensure_does<W: World>() {
    for make in [
        Transition::creating,
        Transition::changing_ports,
        Transition::changing_targets,
        Transition::adding_a_family,
        Transition::replacing,
        Transition::changing_members,
    ] {
        let mut stage = Stage::<W>::new().await;
        let transition = make(&stage);
        if let Some(from) = &transition.from {
            stage.converge(from).await;
        }
        let to = transition.to.expect("these ways lead somewhere");
        for _ in 0..4 {
            let plan = stage.plan(&to).await.expect("plan");
            assert_eq!(plan.lb, to.id);
            let outcome = stage.ensure(&to).await.expect("ensure");
            assert_eq!(outcome.steps, plan.steps, "the plan was {plan}");
            stage.world.settle().await;
        }
        stage.finish().await;
    }
}

/// Neither in the world nor in what comes next.
pub async fn a_plan_changes_nothing<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let (served, planned) =
        (wishes::lone(stage.provider.name()), wishes::named(stage.provider.name(), "planned"));
    stage.converge(&served).await;
    let picture = stage.world.picture().await;
    let before = stage.world.traffic();
    let plan = stage.plan(&planned).await.expect("plan");
    assert!(!plan.is_empty(), "there is something to do");
    assert_eq!(stage.plan(&planned).await.expect("plan"), plan, "asked twice, answered the same");
    assert_eq!(stage.writes_since(before), 0);
    assert_eq!(stage.world.picture().await, picture);
    stage.assert_settled(&served).await;
    stage.finish().await;
}

/// Also in a fresh process.
pub async fn the_plan_after_ensure_is_empty<W: World>() {
    let mut stage = Stage::<W>::new().await;
    let desired = wishes::lone(stage.provider.name());
    stage.converge(&desired).await;
    assert!(stage.plan(&desired).await.expect("plan").is_empty());
    stage.restart().await;
    assert!(stage.plan(&desired).await.expect("plan").is_empty());
    stage.finish().await;
}
