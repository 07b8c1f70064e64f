"""Reads rendered manifests, and compose files, and refuses whatever Kubernetes, an operator whose kind it is, or Compose
would not take.

Then it proves itself on the same files: a misspelled key anywhere in them must be refused, except where names are free.
"""

import copy
import functools
import importlib.util
import json
import pathlib
import sys

import jsonschema
import yaml
from referencing import Registry, Resource

# The oldest and the newest Kubernetes that deploy/README.md names.
VERSIONS = ["1.32", "1.37"]
MISSPELLED = "mispeled"
# Whose keys are names that somebody chose.
FREE = {"labels", "annotations", "matchLabels", "selector", "data", "parameters", "requests", "limits"}
COMPOSE_FREE = {"args", "environment", "depends_on"}


def package(name):
    """Where a package lies, without running it."""
    return pathlib.Path(importlib.util.find_spec(name).submodule_search_locations[0])


@functools.cache
def core(version):
    """Where the package keeps the strict schemas of a version."""
    folder = package("kubernetes_validate") / "kubernetes-json-schema"
    [found] = [
        place
        for place in folder.iterdir()
        if place.name.startswith(f"v{version}.") and place.name.endswith("-local-strict")
    ]
    return found


@functools.cache
def registry(version):
    definitions = json.loads((core(version) / "_definitions.json").read_text())
    return Resource.from_contents(definitions) @ Registry()


def strict(schema):
    """Closes every object that lists its properties."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema = {"type": "object", "additionalProperties": False, **schema}
        return {key: strict(value) for key, value in schema.items()}
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


@functools.cache
def operators_kinds():
    with open("deploy/k8s/schemas.yaml") as file:
        return yaml.safe_load(file)


@functools.cache
def validators(api_version, kind):
    """One validator for each version; of an operator's kind one for all. None where nobody knows the kind."""
    own = operators_kinds().get(f"{api_version} {kind}")
    if own is not None:
        metadata = {
            "required": ["name", "namespace"],
            "properties": {
                "name": {"type": "string"},
                "namespace": {"type": "string"},
                "labels": {"$ref": "#/$defs/texts"},
            },
        }
        known = {"apiVersion": {"const": api_version}, "kind": {"const": kind}}
        whole = {"required": ["spec"], "properties": {**known, "metadata": metadata, "spec": own}}
        schema = strict({**whole, "$defs": operators_kinds()["$defs"]})
        return [jsonschema.Draft202012Validator(schema)]
    group = api_version.split("/")[0].split(".")[0]
    version = f"{group}-{api_version.split('/')[-1]}" if "/" in api_version else api_version
    name = f"{kind.lower()}-{version}"
    found = []
    for version in VERSIONS:
        file = core(version) / f"{name}.json"
        if not file.is_file():
            return None
        schema = json.loads(file.read_text())
        found.append(jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ registry(version)))
    return found


@functools.cache
def compose():
    schema = package("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    return [jsonschema.Draft202012Validator(json.loads(schema.read_text()))]


def known_by(manifest):
    if "kind" in manifest:
        return validators(manifest["apiVersion"], manifest["kind"])
    return compose()


def complaints(manifest):
    known = known_by(manifest)
    if known is None:
        return [f"is of a kind that nobody knows: {manifest['apiVersion']}; describe it in deploy/k8s/schemas.yaml"]
    errors = (error for validator in known for error in validator.iter_errors(manifest))
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors]


def objects(value, path=()):
    """Every object within, with the way to it."""
    if isinstance(value, dict):
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from objects(inner, (*path, key))


def is_free(manifest, path):
    """Whether any key is right there."""
    if not path:
        return False
    if "kind" in manifest:
        return path[-1] in FREE
    # The file's own lists of services, networks and volumes have chosen names too; extensions are anything.
    return len(path) == 1 or path[-1] in COMPOSE_FREE or path[0].startswith("x-")


def unnoticed(manifest):
    """The places where a misspelled key would not be noticed."""
    for path, _ in objects(manifest):
        if is_free(manifest, path):
            continue
        changed = copy.deepcopy(manifest)
        place = changed
        for step in path:
            place = place[step]
        place[MISSPELLED] = "x"
        if all(validator.is_valid(changed) for validator in known_by(manifest)):
            yield ".".join(map(str, path)) or "the whole"


def main(files):
    wrong, seen, places = [], set(), 0
    for file in files:
        with open(file) as text:
            manifests = [manifest for manifest in yaml.safe_load_all(text) if manifest]
        for manifest in manifests:
            kind = manifest.get("kind", "Compose")
            name = f"{file}: {kind} {manifest['metadata']['name'] if 'kind' in manifest else manifest['name']}"
            found = complaints(manifest)
            wrong += [f"{name}: {complaint}" for complaint in found]
            # Manifests of one shape prove the same.
            shape = (kind, tuple(path for path, _ in objects(manifest)))
            if found or shape in seen:
                continue
            seen.add(shape)
            places += len(shape[1])
            wrong += [f"{name}: a misspelled key in {place} is not noticed" for place in unnoticed(manifest)]
        print(f"{file}: {len(manifests)} documents.")
    print(f"Kubernetes {' and '.join(VERSIONS)}, Compose; misspellings tried in {places} places.")
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        sys.exit(1)


main(sys.argv[1:])
