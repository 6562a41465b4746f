use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("true", Some(true))]
#[case("T", Some(true))]
#[case("1", Some(true))]
#[case("TRUE", Some(true))]
#[case("False", Some(false))]
#[case("0", Some(false))]
#[case("f", Some(false))]
#[case("FalSe", None)]
#[case("yes", None)]
#[case("", None)]
#[case(" true", None)]
fn booleans(#[case] text: &str, #[case] want: Option<bool>) {
    assert_eq!(boolean(text).ok(), want);
}

#[rstest]
#[case("5", Some(5))]
#[case("300", Some(300))]
#[case("4", None)]
#[case("301", None)]
#[case("+7", None)]
#[case("-7", None)]
#[case("1e2", None)]
#[case("99999999999999999999", None)]
#[case("", None)]
fn numbers(#[case] text: &str, #[case] want: Option<u16>) {
    assert_eq!(number(text, &(5..=300)).ok(), want);
}

#[rstest]
#[case("a", &["a"])]
#[case(" a , b,,c, ", &["a", "b", "c"])]
fn lists(#[case] text: &str, #[case] want: &[&str]) {
    assert_eq!(list(text, |item| Ok(item.to_owned())).unwrap(), want);
}

#[rstest]
#[case("", "at least one")]
#[case(" , ", "at least one")]
#[case("a,b,a", "listed twice")]
fn bad_lists(#[case] text: &str, #[case] word: &str) {
    let error = list(text, |item| Ok(item.to_owned())).unwrap_err();
    assert!(error.contains(word), "{error}");
}

#[rstest]
#[case("", &[])]
#[case("a=1", &[("a", "1")])]
#[case(" a = 1 , b = 2 ,", &[("a", "1"), ("b", "2")])]
#[case(r"a=1\,2,b=3", &[("a", "1,2"), ("b", "3")])]
#[case("a=x=y", &[("a", "x=y")])]
#[case("a=", &[("a", "")])]
#[case(r"a=\n", &[("a", r"\n")])]
fn maps(#[case] text: &str, #[case] want: &[(&str, &str)]) {
    let read = map(text).unwrap();
    let read: Vec<(&str, &str)> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(read, want);
}

#[rstest]
#[case("a", "no value")]
#[case("=1", "no key")]
#[case("a=1,a=2", "twice")]
fn bad_maps(#[case] text: &str, #[case] word: &str) {
    let error = map(text).unwrap_err();
    assert!(error.contains(word), "{error}");
}

#[rstest]
#[case("arn:aws:acm:eu-west-1:123456789012:certificate/0a", true)]
#[case("arn:aws-cn:iam::123456789012:server-certificate/a/b", true)]
#[case("arn:aws:acm:eu-west-1:123456789012:", false)]
#[case("arn:aws:acm:eu-west-1:12345:certificate/0a", false)]
#[case("arn:azure:acm:eu-west-1:123456789012:certificate/0a", false)]
#[case("acm:certificate", false)]
#[case("arn:aws:acm:eu-west-1:123456789012:certificate/0 a", false)]
fn arns(#[case] text: &str, #[case] good: bool) {
    assert_eq!(arn(text).is_some(), good);
}

#[rstest]
#[case(&["a"], "a")]
#[case(&["a", "b"], "a or b")]
#[case(&["a", "b", "c"], "a, b or c")]
fn alternatives(#[case] words: &[&str], #[case] want: &str) {
    assert_eq!(either(words), want);
}

proptest! {
    #[test]
    fn maps_survive_a_round_trip(pairs in prop::collection::btree_map("[a-z.]{1,8}", "[a-z=,]{0,8}", 0..5)) {
        let text: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}={}", value.replace(',', "\\,"))).collect();
        let read: std::collections::BTreeMap<_, _> = map(&text.join(",")).unwrap().into_iter().collect();
        prop_assert_eq!(read, pairs);
    }
}
