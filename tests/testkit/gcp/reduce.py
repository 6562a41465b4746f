#!/usr/bin/env python3
"""Cuts Google's discovery document of Compute Engine v1 down to what the fake Compute Engine needs.

    reduce.py WHEEL > compute.v1.json

WHEEL is google-api-python-client as requirements.txt pins it; its member DOCUMENT is the discovery document. Another
revision is refused, so that the table in the repository can be made again, byte by byte. What stays: the methods of
METHODS, their parameters, and the schemas that their bodies reach, without the prose. Marks that the document has in
prose alone (`[Output Only]`) become `readOnly`.
"""

import hashlib
import json
import sys
import zipfile

DOCUMENT = "googleapiclient/discovery_cache/documents/compute.v1.json"
DOCUMENT_SHA256 = "6a776936c09fdec23f48bb54d6b746eec7d0085d592c1612887abc9881cda697"

# Resources of the API, and what the provider asks of them.
METHODS = {
    "addresses": ["delete", "get", "insert", "list", "setLabels"],
    "firewalls": ["delete", "get", "insert", "list", "patch", "update"],
    "forwardingRules": ["delete", "get", "insert", "list", "patch", "setLabels"],
    "globalOperations": ["get"],
    "instanceGroups": [
        "addInstances", "delete", "get", "insert", "list", "listInstances", "removeInstances",
    ],
    "instances": ["get", "list"],
    "networkEndpointGroups": [
        "attachNetworkEndpoints", "delete", "detachNetworkEndpoints", "get", "insert", "list", "listNetworkEndpoints",
    ],
    "networks": ["get", "list"],
    "regionBackendServices": ["delete", "get", "getHealth", "insert", "list", "patch", "update"],
    "regionHealthChecks": ["delete", "get", "insert", "list", "patch", "update"],
    "regionOperations": ["get"],
    "regions": ["get", "list"],
    "subnetworks": ["get", "list"],
    "zoneOperations": ["get"],
}

# What is said of a parameter, and of a field.
PARAMETER = ["location", "type", "pattern"]
FIELD = ["type", "format", "pattern", "enum", "$ref", "items", "additionalProperties", "properties"]


def main():
    document = json.loads(pinned(sys.argv[1]))
    methods = {
        f"{resource}.{word}": method(document["resources"][resource]["methods"][word])
        for resource, words in METHODS.items()
        for word in words
    }
    table = {
        "revision": document["revision"],
        "parameters": {name: keep(it, PARAMETER) for name, it in document["parameters"].items()},
        "methods": methods,
        "schemas": schemas(document["schemas"], methods),
    }
    write(table)


def pinned(wheel):
    """The document in the wheel, if it is the pinned one."""
    with zipfile.ZipFile(wheel) as members:
        text = members.read(DOCUMENT)
    digest = hashlib.sha256(text).hexdigest()
    if digest != DOCUMENT_SHA256:
        sys.exit(f"reduce.py: {DOCUMENT} has SHA-256 {digest}, wanted {DOCUMENT_SHA256}")
    return text


def method(it):
    return {
        "httpMethod": it["httpMethod"],
        "path": it["path"],
        "parameters": {name: keep(one, PARAMETER) for name, one in it["parameters"].items()},
        "request": it.get("request", {}).get("$ref"),
        "response": it["response"]["$ref"],
    }


def schemas(all_schemas, methods):
    """The schemas that requests and answers reach."""
    todo = [ref for it in methods.values() for ref in (it["request"], it["response"]) if ref]
    found = {}
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = field(all_schemas[name])
            todo += references(found[name])
    return found


def field(it):
    """A schema or a field of one."""
    kept = keep(it, FIELD)
    if it.get("readOnly") or it.get("description", "").lstrip().startswith("[Output Only]"):
        kept["readOnly"] = True
    for inner in ("items", "additionalProperties"):
        if inner in kept:
            kept[inner] = field(kept[inner])
    if "properties" in kept:
        kept["properties"] = {name: field(one) for name, one in kept["properties"].items()}
    return kept


def references(it):
    if isinstance(it, dict):
        if isinstance(it.get("$ref"), str):
            yield it["$ref"]
        for inner in it.values():
            yield from references(inner)


def keep(it, names):
    return {name: it[name] for name in names if name in it}


def write(table):
    """One method and one schema per line, so that a newer revision shows as a readable difference."""
    parts = []
    for name, part in table.items():
        if name in ("methods", "schemas"):
            lines = ",\n".join(f"{json.dumps(key)}:{compact(part[key])}" for key in sorted(part))
            parts.append(f"{json.dumps(name)}:{{\n{lines}\n}}")
        else:
            parts.append(f"{json.dumps(name)}:{compact(part)}")
    print("{" + ",\n".join(parts) + "}")


def compact(it):
    return json.dumps(it, sort_keys=True, separators=(",", ":"))


if __name__ == "__main__":
    main()
