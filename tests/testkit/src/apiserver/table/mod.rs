//! Tables as `kubectl get` asks for them: `meta.k8s.io/v1` `Table` built from stored objects.
//!
//! The server prints and the client only picks columns: `-o wide` changes nothing in the request, it shows the
//! columns of priority 1. For the same reason a server never shortens a cell; the 16-character limit on
//! `EXTERNAL-IP` belongs to clients that print by themselves (`k8s.io/kubernetes/pkg/printers`).

mod cells;
mod crd;
mod duration;
mod event;
mod jsonpath;
mod node;
mod service;
mod simple;
mod slice;
mod workload;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use crd::{Column, ColumnError};
pub use duration::human;
pub use jsonpath::{Path, PathError};

/// What a table carries besides its cells.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ages are counted up to here.
    pub now: Timestamp,
    /// What `row.object` holds: the query parameter `includeObject`.
    pub include: Include,
    /// False leaves `columnDefinitions` empty, as in every watch event but the first.
    pub headers: bool,
    /// The table's own metadata: `resourceVersion`, `continue`, `remainingItemCount`.
    pub metadata: Value,
}

impl Options {
    /// Headers, object metadata in each row, empty list metadata.
    pub fn new(now: Timestamp) -> Self {
        Self { now, include: Include::Metadata, headers: true, metadata: json!({}) }
    }
}

/// The query parameter `includeObject` of a Table request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Include {
    /// Cells only.
    None,
    /// `PartialObjectMetadata`, the default.
    #[default]
    Metadata,
    /// The whole object.
    Object,
}

impl Include {
    /// Reads the parameter; absent or empty means [`Include::Metadata`]. An unknown word is `None`, to be refused.
    pub fn parse(parameter: Option<&str>) -> Option<Self> {
        match parameter.unwrap_or_default() {
            "" | "Metadata" => Some(Self::Metadata),
            "None" => Some(Self::None),
            "Object" => Some(Self::Object),
            _ => None,
        }
    }
}

/// The table of `objects`, all of one kind.
///
/// `crd` are the printer columns of a custom resource ([`Column::parse_all`]); pass `None` for built-in kinds.
/// A kind without a printer of its own gets `Name` and `Age`.
pub fn render(
    group: &str,
    kind: &str,
    crd: Option<&[Column]>,
    objects: &[&Value],
    options: &Options,
) -> Value {
    let (definitions, rows): (Vec<Value>, Vec<Vec<Value>>) = if let Some(columns) = crd {
        let rows = objects.iter().map(|object| crd::row(columns, object, options.now)).collect();
        (crd::definitions(columns), rows)
    } else {
        let Printer { columns, row } = printer(group, kind);
        let rows = objects.iter().map(|object| row(object, options.now)).collect();
        (columns.iter().map(ColumnDef::to_json).collect(), rows)
    };
    let rows: Vec<Value> = rows
        .into_iter()
        .zip(objects)
        .map(|(cells, object)| json!({ "cells": cells, "object": row_object(object, options.include) }))
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": options.metadata,
        "columnDefinitions": if options.headers { definitions } else { Vec::new() },
        "rows": rows,
    })
}

/// `PartialObjectMetadata` of an object: what metadata-only clients get.
pub fn partial_metadata(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_else(|| json!({})),
    })
}

fn row_object(object: &Value, include: Include) -> Value {
    match include {
        Include::None => Value::Null,
        Include::Metadata => partial_metadata(object),
        Include::Object => object.clone(),
    }
}

/// How one built-in kind prints.
struct Printer {
    columns: &'static [ColumnDef],
    row: fn(&Value, Timestamp) -> Vec<Value>,
}

fn printer(group: &str, kind: &str) -> Printer {
    match (group, kind) {
        ("", "Service") => service::PRINTER,
        ("", "Node") => node::PRINTER,
        ("discovery.k8s.io", "EndpointSlice") => slice::PRINTER,
        ("" | "events.k8s.io", "Event") => event::PRINTER,
        ("", "Pod") => workload::POD,
        ("apps", "Deployment") => workload::DEPLOYMENT,
        ("", "Namespace") => simple::NAMESPACE,
        ("coordination.k8s.io", "Lease") => simple::LEASE,
        ("", "Secret") => simple::SECRET,
        ("", "ConfigMap") => simple::CONFIG_MAP,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => simple::CRD,
        _ => simple::GENERIC,
    }
}

/// One `TableColumnDefinition` of a built-in kind.
struct ColumnDef {
    name: &'static str,
    kind: &'static str,
    /// 0 is always shown, 1 only with `-o wide`.
    priority: u8,
    description: &'static str,
}

impl ColumnDef {
    const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: "string", priority: 0, description }
    }

    const fn number(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: "integer", priority: 0, description }
    }

    /// The column moved to `-o wide`.
    const fn wide(self) -> Self {
        Self { priority: 1, ..self }
    }

    fn to_json(&self) -> Value {
        // The format `name` tells kubectl which column identifies the row (it prefixes it with the kind).
        let format = if self.name == "Name" { "name" } else { "" };
        json!({
            "name": self.name, "type": self.kind, "format": format,
            "description": self.description, "priority": self.priority,
        })
    }
}

const NAME: ColumnDef = ColumnDef::text("Name", "Name of the object, unique within its namespace.");
const AGE: ColumnDef = ColumnDef::text("Age", "Time since the object was created.");
