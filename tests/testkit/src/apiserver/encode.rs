//! Stored objects in the form a client asked for.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::clock::Clock;
use super::kinds::{Kind, View};
use super::list::Page;
use super::negotiate::Output;
use super::store::Stored;
use super::table::{self, Include};

/// One kind in one form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoder<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) output: Output,
    pub(crate) clock: &'a Clock,
}

impl Encoder<'_> {
    /// Whether objects go out exactly as they are stored, so that their shared encoding serves.
    pub(crate) fn is_stored_form(&self) -> bool {
        self.output == Output::Json && self.kind.view == View::Stored
    }

    /// One object.
    pub(crate) fn object(&self, object: &Stored) -> Bytes {
        self.object_with(object, true)
    }

    /// One object of a watch; only the first event carries the table's columns.
    pub(crate) fn object_with(&self, object: &Stored, headers: bool) -> Bytes {
        if self.is_stored_form() {
            return object.json();
        }
        let shown = self.kind.view.shown(&object.value);
        match self.output {
            Output::Json => bytes(&shown),
            Output::PartialMetadata => bytes(&table::partial_metadata(&shown)),
            Output::Table(include) => {
                let metadata = json!({"resourceVersion": object.revision.to_string()});
                bytes(&self.table(&[&shown], include, metadata, headers))
            }
        }
    }

    /// A list.
    pub(crate) fn page(&self, page: &Page) -> Bytes {
        let metadata = list_metadata(page);
        match self.output {
            Output::Json => self.json_list(page, &metadata),
            Output::PartialMetadata => {
                let items: Vec<Value> = page
                    .objects
                    .iter()
                    .map(|o| table::partial_metadata(&self.kind.view.shown(&o.value)))
                    .collect();
                bytes(&json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                    "metadata": metadata, "items": items}))
            }
            Output::Table(include) => {
                let shown: Vec<_> = page.objects.iter().map(|o| self.kind.view.shown(&o.value)).collect();
                let rows: Vec<&Value> = shown.iter().map(AsRef::as_ref).collect();
                bytes(&self.table(&rows, include, metadata, true))
            }
        }
    }

    /// The object of a BOOKMARK event: nothing but type and resourceVersion.
    pub(crate) fn bookmark(&self, revision: u64, initial_events_end: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if initial_events_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object =
            json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": metadata});
        match self.output {
            Output::Json => bytes(&object),
            Output::PartialMetadata => bytes(&table::partial_metadata(&object)),
            Output::Table(_) => {
                let mut empty = self.table(&[], Include::None, metadata, false);
                empty["rows"] = json!([{"cells": [], "object": table::partial_metadata(&object)}]);
                bytes(&empty)
            }
        }
    }

    fn json_list(&self, page: &Page, metadata: &Value) -> Bytes {
        let mut out = format!(
            "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
            self.kind.kind,
            self.kind.api_version()
        )
        .into_bytes();
        for (index, object) in page.objects.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&self.item(object));
        }
        out.extend_from_slice(b"]}");
        Bytes::from(out)
    }

    /// Items of built-in lists carry no type of their own, items of custom ones do.
    fn item(&self, object: &Stored) -> Bytes {
        match &self.kind.view {
            View::Stored if self.kind.custom.is_some() => object.json(),
            View::Stored => object.item_json(),
            View::Version { .. } => bytes(&self.kind.view.shown(&object.value)),
            View::EventsV1 => {
                let mut shown = self.kind.view.shown(&object.value).into_owned();
                if let Some(fields) = shown.as_object_mut() {
                    fields.remove("apiVersion");
                    fields.remove("kind");
                }
                bytes(&shown)
            }
        }
    }

    fn table(&self, rows: &[&Value], include: Include, metadata: Value, headers: bool) -> Value {
        let columns = self.kind.custom.as_ref().map(|custom| custom.columns.as_slice());
        let options = table::Options { now: self.clock.now(), include, headers, metadata };
        table::render(&self.kind.group, &self.kind.kind, columns, rows, &options)
    }
}

fn list_metadata(page: &Page) -> Value {
    let mut metadata = json!({"resourceVersion": page.revision.to_string()});
    if !page.next.is_empty() {
        metadata["continue"] = json!(page.next);
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = json!(remaining);
    }
    metadata
}

fn bytes(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}
