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
//! the fault cases check a restart at each point where one can happen. All time is tokio's, paused. A world with real
//! sockets says `clock: real`; there the same cases run on the wall clock.
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
///
/// ```text
/// suite!(MyWorld);
/// suite!(MyWorld, clock: real, without: { the_name_of_a_case: "why this world cannot have it", });
/// ```
///
/// A case that is left out is an ignored test that tells the reason.
#[macro_export]
macro_rules! suite {
    ($world:ty $(, without: { $($case:ident: $reason:literal,)* })?) => {
        $crate::suite!(@case $world, (start_paused = true), { $($($case: $reason,)*)? });
    };
    ($world:ty, clock: real $(, without: { $($case:ident: $reason:literal,)* })?) => {
        $crate::suite!(@case $world, (), { $($($case: $reason,)*)? });
    };
    // A macro of its own for this world, as only a macro can tell one name from another.
    (@case $world:ty, $clock:tt, { $($left_out:ident: $reason:literal,)* }) => {
        macro_rules! case {
            $(
                ($module:ident, $left_out) => {
                    #[tokio::test $clock]
                    #[ignore = $reason]
                    async fn $left_out() {
                        $crate::cases::$module::$left_out::<$world>().await;
                    }
                };
            )*
            ($module:ident, $case:ident) => {
                #[tokio::test $clock]
                async fn $case() {
                    $crate::cases::$module::$case::<$world>().await;
                }
            };
        }
        $crate::each_case!(case);
    };
}

/// Calls a macro with module and name of every case.
#[doc(hidden)]
#[macro_export]
macro_rules! each_case {
    ($callback:ident) => {
        $callback!(lifecycle, a_new_load_balancer_serves_what_was_asked_for);
        $callback!(lifecycle, an_unchanged_wish_costs_no_write);
        $callback!(lifecycle, a_restart_changes_nothing);
        $callback!(lifecycle, releasing_leaves_nothing);
        $callback!(lifecycle, releasing_twice_is_fine);
        $callback!(lifecycle, releasing_the_unknown_is_fine);
        $callback!(lifecycle, a_service_made_again_is_another_load_balancer);
        $callback!(lifecycle, load_balancers_do_not_touch_each_other);
        $callback!(lifecycle, a_slow_world_is_waited_for);
        $callback!(lifecycle, releasing_while_provisioning_leaves_nothing);
        $callback!(updates, ports_are_added);
        $callback!(updates, ports_are_removed);
        $callback!(updates, a_port_changes_its_number);
        $callback!(updates, a_port_changes_its_protocol);
        $callback!(updates, tcp_and_udp_share_a_number);
        $callback!(updates, sctp_is_served_or_refused);
        $callback!(updates, node_ports_change);
        $callback!(updates, source_ranges_change);
        $callback!(updates, affinity_changes);
        $callback!(updates, traffic_policy_changes);
        $callback!(updates, health_check_port_changes);
        $callback!(updates, a_family_is_added);
        $callback!(updates, a_family_is_removed);
        $callback!(updates, the_families_swap);
        $callback!(updates, an_address_is_asked_for);
        $callback!(updates, an_address_is_no_longer_asked_for);
        $callback!(updates, another_address_is_asked_for);
        $callback!(updates, the_address_it_has_is_asked_for);
        $callback!(updates, the_ip_mode_changes);
        $callback!(updates, class_parameters_change);
        $callback!(targets, nodes_come_and_go);
        $callback!(targets, all_nodes_go_and_come_back);
        $callback!(targets, nodes_without_provider_id_are_reported);
        $callback!(targets, pods_are_targets);
        $callback!(targets, target_changes_are_batched);
        $callback!(sharing, members_share_one_address);
        $callback!(sharing, members_join_and_leave);
        $callback!(sharing, members_may_differ_or_are_told_that_they_may_not);
        $callback!(sharing, the_order_of_members_does_not_matter_to_the_address);
        $callback!(sharing, the_first_member_leaves_and_the_address_stays);
        $callback!(sharing, a_port_passes_from_one_member_to_another);
        $callback!(sharing, a_refused_member_keeps_what_it_has);
        $callback!(addresses, an_address_asked_for_is_not_given_twice);
        $callback!(stacks, dual_stack_has_both_addresses);
        $callback!(stacks, ipv6_alone_is_served);
        $callback!(plans, the_plan_is_what_ensure_does);
        $callback!(plans, a_plan_changes_nothing);
        $callback!(plans, the_plan_after_ensure_is_empty);
        $callback!(refusals, every_reason_is_told_at_once);
        $callback!(refusals, parameters_of_another_provider_are_refused);
        $callback!(inventory, everything_is_listed_with_its_mark);
        $callback!(inventory, an_empty_world_has_an_empty_inventory);
        $callback!(drift, damage_is_repaired);
        $callback!(foreign, strangers_in_the_way_are_reported_and_left_alone);
        $callback!(foreign, another_cluster_is_left_alone);
        $callback!(replacement, the_old_address_serves_until_the_new_one_does);
        $callback!(replacement, a_change_of_mind_leaves_one_balancer);
        $callback!(replacement, an_address_asked_for_survives_a_replacement);
        $callback!(faults, crash_while_creating);
        $callback!(faults, crash_while_changing_ports);
        $callback!(faults, crash_while_changing_targets);
        $callback!(faults, crash_while_adding_a_family);
        $callback!(faults, crash_while_replacing);
        $callback!(faults, crash_while_members_change);
        $callback!(faults, crash_while_releasing);
        $callback!(faults, errors_while_creating);
        $callback!(faults, errors_while_changing_ports);
        $callback!(faults, errors_while_changing_targets);
        $callback!(faults, errors_while_adding_a_family);
        $callback!(faults, errors_while_replacing);
        $callback!(faults, errors_while_members_change);
        $callback!(faults, errors_while_releasing);
        $callback!(faults, lost_answers_while_creating);
        $callback!(faults, lost_answers_while_changing_ports);
        $callback!(faults, lost_answers_while_changing_targets);
        $callback!(faults, lost_answers_while_adding_a_family);
        $callback!(faults, lost_answers_while_replacing);
        $callback!(faults, lost_answers_while_members_change);
        $callback!(faults, lost_answers_while_releasing);
        $callback!(faults, restart_of_two_while_creating);
        $callback!(faults, restart_of_two_while_changing_ports);
        $callback!(faults, restart_of_two_while_changing_targets);
        $callback!(faults, restart_of_two_while_adding_a_family);
        $callback!(faults, restart_of_two_while_replacing);
        $callback!(faults, restart_of_two_while_members_change);
        $callback!(faults, restart_of_two_while_releasing);
    };
}
