//! From files to objects. What is not read is told: nothing is dropped silently.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use k8s_openapi::Metadata;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use landfall_core::ids::ServiceKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Objects;
use super::document::{BadManifest, Document, split, unknown_fields};

/// A file larger than this was hardly meant.
const MOST_BYTES: u64 = 256 << 20;
/// What is read of a directory, as `kubectl` does.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A file with its name in messages.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path as given, or `-`.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
}

/// What files hold.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// The objects that a plan reads.
    pub(crate) objects: Objects,
    /// What is not read, and other things worth knowing.
    pub(crate) notes: Vec<String>,
    /// What cannot be read.
    pub(crate) errors: Vec<BadManifest>,
}

/// Reads files, the files of directories (not of those inside them), and standard input for `-`.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            sources.push(Source { name: "-".to_owned(), text: text_of(io::stdin().lock(), Path::new("-"))? });
        } else if path.is_dir() {
            for file in files_in(path)? {
                sources.push(open(&file)?);
            }
        } else {
            sources.push(open(path)?);
        }
    }
    Ok(sources)
}

fn open(path: &Path) -> Result<Source> {
    let file = fs::File::open(path).with_context(|| format!("-f: cannot read {}", path.display()))?;
    Ok(Source { name: path.display().to_string(), text: text_of(file, path)? })
}

fn text_of(reader: impl Read, path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = reader.take(MOST_BYTES + 1).read_to_string(&mut text);
    read.with_context(|| format!("-f: cannot read {}", path.display()))?;
    if text.len() as u64 > MOST_BYTES {
        bail!("-f: {} is not accepted: at most {} MiB", path.display(), MOST_BYTES >> 20);
    }
    Ok(text)
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = || format!("-f: cannot read the directory {}", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("-f: {} has no file that ends in .{}", directory.display(), ENDINGS.join(", ."));
    }
    files.sort();
    Ok(files)
}

/// Sorts the objects of files by kind. Services and slices without a namespace get `namespace`.
pub(crate) fn parse(sources: &[Source], namespace: &str) -> Manifests {
    let mut manifests = Manifests::default();
    for source in sources {
        let mut ignored: BTreeMap<String, usize> = BTreeMap::new();
        let documents = split(&source.name, &source.text);
        for document in &documents {
            let mut reader = Reader { manifests: &mut manifests, ignored: &mut ignored, namespace };
            if let Err(error) = reader.document(document) {
                manifests.errors.push(error);
            }
        }
        if documents.is_empty() {
            manifests.notes.push(format!("{}: empty", source.name));
        }
        for (kind, count) in ignored {
            let objects = if count == 1 { "object" } else { "objects" };
            manifests
                .notes
                .push(format!("{}: {count} {objects} of kind {kind}: not part of a plan", source.name));
        }
    }
    manifests
}

struct Reader<'a> {
    manifests: &'a mut Manifests,
    ignored: &'a mut BTreeMap<String, usize>,
    namespace: &'a str,
}

impl Reader<'_> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), BadManifest> {
        let value: Value = document.read()?;
        let (_, kind) = type_of(document, &value, "")?;
        let items = value.get("items").and_then(Value::as_array);
        let Some(items) = items.filter(|_| kind.ends_with("List")) else {
            return self.object(document, "", &value);
        };
        let item_kind = kind.strip_suffix("List").unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let mut item = item.clone();
            // The items of a typed list (`ServiceList`) leave out what the list says already.
            if let (Some(fields), false) = (item.as_object_mut(), item_kind.is_empty()) {
                fields.entry("kind").or_insert_with(|| item_kind.into());
                fields.entry("apiVersion").or_insert_with(|| value["apiVersion"].clone());
            }
            if let Err(error) = self.object(document, &format!("items[{index}]"), &item) {
                self.manifests.errors.push(error);
            }
        }
        Ok(())
    }

    /// `path` is where the object is inside the document; empty if it is the document.
    fn object(&mut self, document: &Document<'_>, path: &str, value: &Value) -> Result<(), BadManifest> {
        let (api, kind) = type_of(document, value, path)?;
        let at = At { document, path, kind: &kind };
        match (api.as_str(), kind.as_str()) {
            ("v1", "Service") => {
                let mut service = self.typed(&at, value)?;
                self.default_namespace(&mut service);
                check_name(&at, Metadata::metadata(&service))?;
                self.manifests.objects.services.push(service);
            }
            ("discovery.k8s.io/v1", "EndpointSlice") => {
                let mut slice = self.typed(&at, value)?;
                self.default_namespace(&mut slice);
                self.manifests.objects.slices.push(slice);
            }
            ("v1", "Node") => {
                let object = self.typed(&at, value)?;
                self.manifests.objects.nodes.push(object);
            }
            ("v1", "Namespace") => {
                let object = self.typed(&at, value)?;
                self.manifests.objects.namespaces.push(object);
            }
            ("landfall.dev/v1alpha1", "LoadBalancerClass") => {
                let object = self.typed(&at, value)?;
                self.manifests.objects.classes.push(object);
            }
            ("landfall.dev/v1alpha1", "AddressPool") => {
                let object = self.typed(&at, value)?;
                self.manifests.objects.pools.push(object);
            }
            _ => *self.ignored.entry(format!("{kind} ({api})")).or_default() += 1,
        }
        Ok(())
    }

    fn typed<K: DeserializeOwned + Serialize>(
        &mut self,
        at: &At<'_>,
        value: &Value,
    ) -> Result<K, BadManifest> {
        let object: K = K::deserialize(value).map_err(|error| {
            let error = at.document.refuse(at.says(&error.to_string()));
            // The value knows best what is wrong, the text where. An item of a list has been cut out of the text.
            match at.document.read::<K>() {
                Err(text) if at.path.is_empty() => BadManifest { place: text.place, ..error },
                _ => error,
            }
        })?;
        let kept = serde_json::to_value(&object).unwrap_or_default();
        if kept["metadata"]["name"].as_str().unwrap_or_default().is_empty() {
            return Err(at.document.refuse(at.says("metadata.name is missing")));
        }
        for field in unknown_fields(value, &kept) {
            let name = kept["metadata"]["name"].as_str().unwrap_or_default();
            let text = at.says(&format!("{name} has a field that is not known: {field}"));
            self.manifests.notes.push(format!("{}: {text}", at.document.here()));
        }
        Ok(object)
    }

    fn default_namespace(&self, object: &mut impl Metadata<Ty = ObjectMeta>) {
        let namespace = &mut object.metadata_mut().namespace;
        if namespace.as_deref().unwrap_or_default().is_empty() {
            *namespace = Some(self.namespace.to_owned());
        }
    }
}

/// Where an object is.
struct At<'a> {
    document: &'a Document<'a>,
    path: &'a str,
    kind: &'a str,
}

impl At<'_> {
    fn says(&self, message: &str) -> String {
        if self.path.is_empty() {
            format!("{}: {message}", self.kind)
        } else {
            format!("{}: {}: {message}", self.path, self.kind)
        }
    }
}

fn check_name(at: &At<'_>, meta: &ObjectMeta) -> Result<(), BadManifest> {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let key = ServiceKey::new(text(&meta.namespace), text(&meta.name)).to_string();
    key.parse::<ServiceKey>().map(drop).map_err(|error| at.document.refuse(at.says(&error.to_string())))
}

fn type_of(document: &Document<'_>, value: &Value, path: &str) -> Result<(String, String), BadManifest> {
    let field = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (field("apiVersion"), field("kind")) {
        (Some(api), Some(kind)) => Ok((api.to_owned(), kind.to_owned())),
        (api, _) => {
            let missing = if api.is_none() { "apiVersion" } else { "kind" };
            let prefix = if path.is_empty() { String::new() } else { format!("{path}: ") };
            Err(document.refuse(format!("{prefix}not a Kubernetes object: {missing} is missing")))
        }
    }
}
