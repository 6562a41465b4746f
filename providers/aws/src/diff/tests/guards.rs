//! Security groups and their rules.

use super::*;
use crate::api::ec2::Source;
use crate::change::GuardChange;

/// A wish for so many source ranges of port 80, told apart by their first octet.
fn wish_for_ranges(first: u8, count: u8) -> Wanted {
    let mut wanted = wish();
    let rules = (0..count).map(|n| rule("web", 80, &format!("{first}.{n}.0.0/16")));
    wanted.frontend.as_mut().unwrap().rules = rules.collect();
    wanted
}

#[rstest]
#[case::there_is_room_for_both(30, 30, 0, 30)]
#[case::room_must_be_made(31, 31, 2, 29)]
#[case::full(60, 60, 60, 0)]
#[case::fewer_come(60, 1, 1, 59)]
fn as_many_rules_go_first_as_there_is_no_room_for(
    #[case] before: u8,
    #[case] after: u8,
    #[case] first: usize,
    #[case] last: usize,
) {
    let changes = changes(&wish_for_ranges(20, after), &made(&wish_for_ranges(10, before)));
    let mut counts = (0, 0, 0);
    for change in &changes {
        match change {
            Change::Guard(_, GuardChange::Revoke(rules)) if counts.1 == 0 => counts.0 = rules.len(),
            Change::Guard(_, GuardChange::Revoke(rules)) => counts.2 = rules.len(),
            Change::Guard(_, GuardChange::Authorise(rules)) => counts.1 = rules.len(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(counts, (first, usize::from(after), last));
}

#[test]
fn rules_of_others_stay() {
    let mut observed = made(&wish());
    let mut theirs = rule("web", 22, "192.0.2.0/24");
    theirs.description = "ssh".to_owned();
    observed.frontend[0].ingress.push(theirs);
    assert_eq!(changes(&wish(), &observed), []);
}

#[test]
fn nodes_let_in_what_they_lack() {
    let mut observed = made(&wish());
    observed.node_groups[0].ingress[0].source = Source::Group(SecurityGroupId::from("sg-other"));
    assert_eq!(
        plan(&wish(), &observed),
        ["~ security group sg-nodes | ingress: [\"tcp 30000-32767 from sg-back\"]"]
    );
}
