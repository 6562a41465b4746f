use super::*;

fn object(name: &str, data: u32) -> Value {
    json!({"metadata": {"name": name, "namespace": "ns"}, "data": data})
}

#[test]
fn one_counter_for_all_tables() {
    let store = Store::new(10);
    let (a, b) = (store.table("a"), store.table("b"));
    let writer = store.write();
    let first = writer.put(&a, object("x", 1));
    let second = writer.put(&b, object("x", 1));
    assert_eq!(second.revision, first.revision + 1);
    assert_eq!(second.value["metadata"]["resourceVersion"], second.revision.to_string());
    assert_eq!(store.revision(), second.revision);
}

#[test]
fn removal_has_its_own_revision_and_keeps_the_last_state() {
    let store = Store::new(10);
    let table = store.table("a");
    let writer = store.write();
    let made = writer.put(&table, object("x", 7));
    let gone = writer.remove(&table, &made);
    assert_eq!(gone.revision, made.revision + 1);
    assert_eq!(gone.value["data"], 7);
    assert!(table.get(&Key::new("ns", "x")).is_none());
    let changes = table.read().history.from(0, 9).unwrap();
    assert_eq!(changes.iter().map(|c| c.kind).collect::<Vec<_>>(), [ChangeKind::Added, ChangeKind::Deleted]);
}

#[test]
fn compaction_reaches_every_table() {
    let store = Store::new(10);
    let (a, b) = (store.table("a"), store.table("b"));
    store.write().put(&a, object("x", 1));
    store.write().put(&b, object("x", 1));
    store.compact();
    for table in [a, b] {
        assert!(table.read().history.position(101).is_err());
        assert!(table.read().history.position(store.revision()).is_ok());
    }
}

#[tokio::test]
async fn subscribers_wake_up_after_a_change() {
    let store = Store::new(10);
    let table = store.table("a");
    let mut tip = table.subscribe();
    store.write().put(&table, object("x", 1));
    tip.changed().await.unwrap();
}
