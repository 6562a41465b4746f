//! The suite that every provider passes.
//!
//! A provider brings a [`World`]: a place in which it works, and ways to disturb and inspect that place. The
//! suite plays the controller: it asks for load balancers, shows the outcome in the "status", restarts the
//! process, and looks at the world after every act. Instantiate it in an integration test:
//!
//! ```text
//! landfall_contract::suite!(MyWorld);
//! ```
//!
//! Every case becomes one test. Cases follow the provider's capabilities: what it cannot do, it must refuse in
//! `validate`, and that is what the case then checks. A world without external calls has no call to fail; there
//! the fault cases check a restart at each point where one can happen. All time is tokio's, paused.
//!
//! It spawns no tasks.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test suite: to panic is how it tells what is wrong"
)]

pub mod cases;
mod expect;
mod stage;
mod transition;
mod wishes;
mod world;

pub use expect::{Listening, View};
pub use world::{Fault, Mistake, Traffic, World};

/// Makes one `#[tokio::test]` per case for a type that implements [`World`].
#[macro_export]
macro_rules! suite {
    ($world:ty) => {
        $crate::suite!(@tests $world;
            lifecycle: a_new_load_balancer_serves_what_was_asked_for,
            lifecycle: an_unchanged_wish_costs_no_write,
            lifecycle: a_restart_changes_nothing,
            lifecycle: releasing_leaves_nothing,
            lifecycle: releasing_twice_is_fine,
            lifecycle: releasing_the_unknown_is_fine,
            lifecycle: a_service_made_again_is_another_load_balancer,
            lifecycle: load_balancers_do_not_touch_each_other,
            lifecycle: a_slow_world_is_waited_for,
            lifecycle: releasing_while_provisioning_leaves_nothing,
            updates: ports_are_added,
            updates: ports_are_removed,
            updates: a_port_changes_its_number,
            updates: a_port_changes_its_protocol,
            updates: tcp_and_udp_share_a_number,
            updates: sctp_is_served_or_refused,
            updates: node_ports_change,
            updates: source_ranges_change,
            updates: affinity_changes,
            updates: traffic_policy_changes,
            updates: health_check_port_changes,
            updates: a_family_is_added,
            updates: a_family_is_removed,
            updates: the_families_swap,
            updates: an_address_is_asked_for,
            updates: an_address_is_no_longer_asked_for,
            updates: another_address_is_asked_for,
            updates: the_address_it_has_is_asked_for,
            updates: the_ip_mode_changes,
            updates: class_parameters_change,
            targets: nodes_come_and_go,
            targets: all_nodes_go_and_come_back,
            targets: nodes_without_provider_id_are_reported,
            targets: pods_are_targets,
            targets: target_changes_are_batched,
            sharing: members_share_one_address,
            sharing: members_join_and_leave,
            sharing: members_may_differ_or_are_told_that_they_may_not,
            sharing: the_order_of_members_does_not_matter_to_the_address,
            sharing: the_first_member_leaves_and_the_address_stays,
            sharing: a_port_passes_from_one_member_to_another,
            sharing: a_refused_member_keeps_what_it_has,
            addresses: an_address_asked_for_is_not_given_twice,
            stacks: dual_stack_has_both_addresses,
            stacks: ipv6_alone_is_served,
            plans: the_plan_is_what_ensure_does,
            plans: a_plan_changes_nothing,
            plans: the_plan_after_ensure_is_empty,
            refusals: every_reason_is_told_at_once,
            refusals: parameters_of_another_provider_are_refused,
            inventory: everything_is_listed_with_its_mark,
            inventory: an_empty_world_has_an_empty_inventory,
            drift: damage_is_repaired,
            foreign: strangers_in_the_way_are_reported_and_left_alone,
            foreign: another_cluster_is_left_alone,
            replacement: the_old_address_serves_until_the_new_one_does,
            replacement: a_change_of_mind_leaves_one_balancer,
            replacement: an_address_asked_for_survives_a_replacement,
            faults: crash_while_creating,
            faults: crash_while_changing_ports,
            faults: crash_while_changing_targets,
            faults: crash_while_adding_a_family,
            faults: crash_while_replacing,
            faults: crash_while_members_change,
            faults: crash_while_releasing,
            faults: errors_while_creating,
            faults: errors_while_changing_ports,
            faults: errors_while_changing_targets,
            faults: errors_while_adding_a_family,
            faults: errors_while_replacing,
            faults: errors_while_members_change,
            faults: errors_while_releasing,
            faults: lost_answers_while_creating,
            faults: lost_answers_while_changing_ports,
            faults: lost_answers_while_changing_targets,
            faults: lost_answers_while_adding_a_family,
            faults: lost_answers_while_replacing,
            faults: lost_answers_while_members_change,
            faults: lost_answers_while_releasing,
            faults: restart_of_two_while_creating,
            faults: restart_of_two_while_changing_ports,
            faults: restart_of_two_while_changing_targets,
            faults: restart_of_two_while_adding_a_family,
            faults: restart_of_two_while_replacing,
            faults: restart_of_two_while_members_change,
            faults: restart_of_two_while_releasing,
        );
    };
    (@tests $world:ty; $($module:ident: $case:ident,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $case() {
                $crate::cases::$module::$case::<$world>().await;
            }
        )*
    };
}
