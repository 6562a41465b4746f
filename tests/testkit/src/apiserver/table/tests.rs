use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a valid time")
}

/// Header → cell of the only row.
fn cells(group: &str, kind: &str, object: &Value) -> Vec<(String, Value)> {
    let table = render(group, kind, None, &[object], &Options::new(now()));
    zip(&table)
}

fn zip(table: &Value) -> Vec<(String, Value)> {
    let names = table["columnDefinitions"].as_array().expect("columns");
    let row = table["rows"][0]["cells"].as_array().expect("cells");
    assert_eq!(names.len(), row.len(), "one cell per column");
    names.iter().zip(row).map(|(n, c)| (n["name"].as_str().expect("a name").to_owned(), c.clone())).collect()
}

fn pick(cells: &[(String, Value)], column: &str) -> Value {
    let found = cells.iter().find(|(name, _)| name == column);
    found.unwrap_or_else(|| panic!("no column {column:?} in {cells:?}")).1.clone()
}

fn service(spec: &Value, ingress: &Value) -> Value {
    json!({
        "metadata": {"name": "web", "creationTimestamp": "2026-03-01T11:57:57Z"},
        "spec": spec,
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

#[rstest]
#[case::pending(json!({"type": "LoadBalancer"}), json!([]), "<pending>")]
#[case::address(json!({"type": "LoadBalancer"}), json!([{"ip": "192.0.2.1"}]), "192.0.2.1")]
#[case::sorted_and_unique(
    json!({"type": "LoadBalancer"}),
    json!([{"ip": "2001:db8::1"}, {"ip": "192.0.2.1"}, {"ip": "192.0.2.1"}]),
    "192.0.2.1,2001:db8::1"
)]
#[case::never_cut(
    json!({"type": "LoadBalancer"}),
    json!([{"hostname": "a-very-long-name.elb.example.com"}]),
    "a-very-long-name.elb.example.com"
)]
#[case::address_before_name(json!({"type": "LoadBalancer"}), json!([{"ip": "192.0.2.1", "hostname": "x"}]), "192.0.2.1")]
#[case::with_external_ips(
    json!({"type": "LoadBalancer", "externalIPs": ["198.51.100.1"]}),
    json!([{"ip": "203.0.113.1"}]),
    "203.0.113.1,198.51.100.1"
)]
#[case::only_external_ips(json!({"type": "LoadBalancer", "externalIPs": ["198.51.100.1"]}), json!([]), "198.51.100.1")]
#[case::cluster_ip(json!({"type": "ClusterIP"}), json!([]), "<none>")]
#[case::node_port(json!({"type": "NodePort", "externalIPs": ["a", "b"]}), json!([]), "a,b")]
#[case::external_name(json!({"type": "ExternalName", "externalName": "db.example.com"}), json!([]), "db.example.com")]
#[case::no_type(json!({}), json!([]), "<unknown>")]
fn external_ip(#[case] spec: Value, #[case] ingress: Value, #[case] want: &str) {
    assert_eq!(pick(&cells("", "Service", &service(&spec, &ingress)), "External-IP"), want);
}

#[test]
fn the_other_service_columns() {
    let object = service(
        &json!({
            "type": "LoadBalancer", "clusterIPs": ["10.96.0.9", "fd00::9"], "selector": {"b": "2", "a": "1"},
            "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}],
        }),
        &json!([]),
    );
    let row = cells("", "Service", &object);
    assert_eq!(
        row.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector"]
    );
    assert_eq!(pick(&row, "Cluster-IP"), "10.96.0.9");
    assert_eq!(pick(&row, "Port(s)"), "80:30080/TCP,53/UDP");
    assert_eq!(pick(&row, "Age"), "2m3s");
    assert_eq!(pick(&row, "Selector"), "a=1,b=2");

    let bare = cells("", "Service", &json!({"metadata": {"name": "x"}, "spec": {"type": "ClusterIP"}}));
    for (column, want) in
        [("Cluster-IP", "<none>"), ("Port(s)", "<none>"), ("Selector", "<none>"), ("Age", "<unknown>")]
    {
        assert_eq!(pick(&bare, column), want, "{column}");
    }
}

#[rstest]
#[case(json!([{"type": "Ready", "status": "True"}]), json!(false), "Ready")]
#[case(json!([{"type": "Ready", "status": "False"}]), json!(false), "NotReady")]
#[case(json!([{"type": "Ready", "status": "Unknown"}]), json!(true), "NotReady,SchedulingDisabled")]
#[case(json!([]), json!(true), "Unknown,SchedulingDisabled")]
fn node_status(#[case] conditions: Value, #[case] unschedulable: Value, #[case] want: &str) {
    let node = json!({"spec": {"unschedulable": unschedulable}, "status": {"conditions": conditions}});
    assert_eq!(pick(&cells("", "Node", &node), "Status"), want);
}

#[test]
fn node_columns() {
    let node = json!({
        "metadata": {"name": "n1", "labels": {
            "node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge", "kubernetes.io/os": "linux",
        }},
        "status": {
            "addresses": [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.33.0", "osImage": "Example OS"},
        },
    });
    let row = cells("", "Node", &node);
    let wants = [
        ("Roles", "edge,worker"),
        ("Version", "v1.33.0"),
        ("Internal-IP", "10.0.0.1"),
        ("External-IP", "<none>"),
        ("OS-Image", "Example OS"),
        ("Kernel-Version", "<unknown>"),
    ];
    for (column, want) in wants {
        assert_eq!(pick(&row, column), want, "{column}");
    }
}

#[test]
fn slices_show_three_of_many() {
    let slice = json!({
        "metadata": {"name": "web-abc"}, "addressType": "IPv4",
        "ports": [{"port": 80}, {"name": "admin"}, {}],
        "endpoints": [{"addresses": ["10.1.0.1", "10.1.0.2"]}, {"addresses": ["10.1.0.3"]}, {"addresses": ["10.1.0.4"]}],
    });
    let row = cells("discovery.k8s.io", "EndpointSlice", &slice);
    assert_eq!(pick(&row, "Ports"), "80,admin,*");
    assert_eq!(pick(&row, "Endpoints"), "10.1.0.1,10.1.0.2,10.1.0.3 + 1 more...");
    let empty = cells("discovery.k8s.io", "EndpointSlice", &json!({"metadata": {"name": "e"}}));
    assert_eq!(pick(&empty, "Ports"), "<unset>");
    assert_eq!(pick(&empty, "Endpoints"), "<unset>");
}

#[rstest]
#[case::core("", json!({
    "metadata": {"name": "web.1"}, "type": "Warning", "reason": "SyncLoadBalancerFailed", "message": " no pool \n",
    "involvedObject": {"kind": "Service", "name": "web"}, "source": {"component": "landfall", "host": "n1"},
    "firstTimestamp": "2026-03-01T11:00:00Z", "lastTimestamp": "2026-03-01T11:59:55Z", "count": 4,
}))]
#[case::new_group("events.k8s.io", json!({
    "metadata": {"name": "web.1"}, "type": "Warning", "reason": "SyncLoadBalancerFailed", "note": "no pool",
    "regarding": {"kind": "Service", "name": "web"}, "reportingController": "landfall", "reportingInstance": "n1",
    "eventTime": "2026-03-01T11:00:00.000000Z",
    "series": {"count": 4, "lastObservedTime": "2026-03-01T11:59:55.000000Z"},
}))]
fn events_of_both_groups_print_alike(#[case] group: &str, #[case] event: Value) {
    let row: Vec<Value> = cells(group, "Event", &event).into_iter().map(|(_, cell)| cell).collect();
    assert_eq!(
        json!(row),
        json!([
            "5s",
            "Warning",
            "SyncLoadBalancerFailed",
            "service/web",
            "",
            "landfall, n1",
            "no pool",
            "60m",
            4,
            "web.1"
        ])
    );
}

#[test]
fn an_event_seen_once_counts_one() {
    let event = json!({"involvedObject": {"kind": "Node"}, "eventTime": "2026-03-01T11:59:50.000000Z", "lastTimestamp": null});
    let row = cells("", "Event", &event);
    assert_eq!(pick(&row, "Count"), 1);
    assert_eq!(pick(&row, "Last Seen"), "10s");
    assert_eq!(pick(&row, "Object"), "node");
}

#[rstest]
#[case("", "Namespace", json!({"status": {"phase": "Active"}}), "Status", json!("Active"))]
#[case("coordination.k8s.io", "Lease", json!({"spec": {"holderIdentity": "a"}}), "Holder", json!("a"))]
#[case("", "Secret", json!({"type": "Opaque", "data": {"a": "", "b": ""}}), "Data", json!(2))]
#[case("", "ConfigMap", json!({"data": {"a": ""}, "binaryData": {"b": ""}}), "Data", json!(2))]
#[case("", "Pod", json!({"spec": {"containers": [{}, {}]}, "status": {"phase": "Running",
    "containerStatuses": [{"ready": true, "restartCount": 2}, {"ready": false, "restartCount": 1}]}}), "Ready", json!("1/2"))]
#[case("", "Pod", json!({"status": {"phase": "Running", "containerStatuses": [
    {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}), "Status", json!("CrashLoopBackOff"))]
#[case("", "Pod", json!({"metadata": {"deletionTimestamp": "2026-03-01T11:59:50Z"}}), "Status", json!("Terminating"))]
#[case("", "Pod", json!({"spec": {"readinessGates": [{"conditionType": "x"}, {"conditionType": "y"}]},
    "status": {"conditions": [{"type": "x", "status": "True"}]}}), "Readiness Gates", json!("1/2"))]
#[case("apps", "Deployment", json!({"spec": {"replicas": 3}, "status": {"readyReplicas": 2}}), "Ready", json!("2/3"))]
#[case("apiextensions.k8s.io", "CustomResourceDefinition",
    json!({"metadata": {"creationTimestamp": "2026-03-01T11:00:00Z"}}), "Created At", json!("2026-03-01T11:00:00Z"))]
#[case("example.com", "Anything", json!({"metadata": {"creationTimestamp": "2026-03-01T11:00:00Z"}}), "Age", json!("60m"))]
fn other_kinds(
    #[case] group: &str,
    #[case] kind: &str,
    #[case] object: Value,
    #[case] column: &str,
    #[case] want: Value,
) {
    assert_eq!(pick(&cells(group, kind, &object), column), want);
}

fn crd_columns() -> [Value; 6] {
    [
        json!({"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}),
        json!({"name": "Free", "type": "integer", "jsonPath": ".status.free", "priority": 1}),
        json!({"name": "Ranges", "type": "string", "jsonPath": ".spec.addresses"}),
        json!({"name": "Auto", "type": "boolean", "jsonPath": ".spec.autoAssign"}),
        json!({"name": "Since", "type": "date", "jsonPath": ".status.since"}),
        json!({"name": "Load", "type": "number", "jsonPath": ".status.load"}),
    ]
}

#[test]
fn custom_columns_have_types() -> Result<(), ColumnError> {
    let columns = Column::parse_all(&crd_columns())?;
    let full = json!({
        "metadata": {"name": "p"}, "spec": {"addresses": ["192.0.2.0/24"], "autoAssign": true},
        "status": {"free": 12.0, "load": 0.5, "since": "2026-03-01T11:59:00Z", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    let table = render("landfall.dev", "AddressPool", Some(&columns), &[&full], &Options::new(now()));
    assert_eq!(table["rows"][0]["cells"], json!(["p", "True", 12, "[\"192.0.2.0/24\"]", true, "60s", 0.5]));
    assert_eq!(table["columnDefinitions"][2]["priority"], 1);

    let empty = json!({"metadata": {"name": "p"}, "status": {"free": "many", "since": "soon"}});
    let table = render("landfall.dev", "AddressPool", Some(&columns), &[&empty], &Options::new(now()));
    assert_eq!(table["rows"][0]["cells"], json!(["p", null, null, null, null, "<invalid>", null]));
    Ok(())
}

#[test]
fn a_custom_resource_without_columns_has_an_age() -> Result<(), ColumnError> {
    let columns = Column::parse_all(&[])?;
    let object = json!({"metadata": {"name": "p", "creationTimestamp": "2026-03-01T11:59:00Z"}});
    let table = render("landfall.dev", "AddressPool", Some(&columns), &[&object], &Options::new(now()));
    assert_eq!(zip(&table), [("Name".to_owned(), json!("p")), ("Age".to_owned(), json!("60s"))]);
    Ok(())
}

#[rstest]
#[case(json!({"name": "X", "type": "text", "jsonPath": ".a"}), "accepted are boolean, date")]
#[case(json!({"name": "X", "type": "string", "jsonPath": "a"}), "expected `.` or `[` at character 0")]
fn a_bad_column_is_named(#[case] column: Value, #[case] want: &str) {
    let error = Column::parse_all(&[column]).expect_err("a bad column");
    let message = error.to_string();
    assert!(message.contains("\"X\"") && message.contains(want), "{message}");
}

#[test]
fn options_shape_the_table() {
    let object = json!({"metadata": {"name": "a", "uid": "u"}, "spec": {"x": 1}});
    let of = |include, headers| {
        let options =
            Options { include, headers, metadata: json!({"resourceVersion": "7"}), ..Options::new(now()) };
        render("", "Namespace", None, &[&object], &options)
    };
    let partial = of(Include::Metadata, true);
    assert_eq!(partial["metadata"]["resourceVersion"], "7");
    assert_eq!(
        partial["rows"][0]["object"],
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "a", "uid": "u"}})
    );
    assert_eq!(of(Include::Object, true)["rows"][0]["object"], object);
    assert_eq!(of(Include::None, true)["rows"][0]["object"], Value::Null);
    assert_eq!(of(Include::None, false)["columnDefinitions"], json!([]));
}

#[rstest]
#[case(None, Some(Include::Metadata))]
#[case(Some("None"), Some(Include::None))]
#[case(Some("Object"), Some(Include::Object))]
#[case(Some("object"), None)]
fn include_object(#[case] parameter: Option<&str>, #[case] want: Option<Include>) {
    assert_eq!(Include::parse(parameter), want);
}
