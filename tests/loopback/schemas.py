"""Which JSON schemas a structured output may ask for."""

import re
from collections.abc import Iterator
from typing import Any

UNSUPPORTED = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
)
OPTIONAL_LIMIT, UNION_LIMIT = 24, 16
LOOK_AROUND = re.compile(r"\(\?<?[=!]")

Schema = dict[str, Any]


def children(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The schemas directly inside one, each with its path from it."""
    inside: list[tuple[str, Any]] = [(".items", schema.get("items"))]
    for holder in ("properties", "$defs", "definitions"):
        inside += [(f".{holder}.{name}", inner) for name, inner in _dict(schema.get(holder)).items()]
    for holder in ("anyOf", "oneOf", "allOf"):
        inside += [(f".{holder}.{place}", inner) for place, inner in enumerate(_list(schema.get(holder)))]
    return ((step, inner) for step, inner in inside if isinstance(inner, dict))


def walk(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """A schema and all that are written inside it; references are not followed."""
    yield path, schema
    for step, inner in children(schema):
        yield from walk(inner, path + step)


def schema_problems(schema: Schema, path: str) -> Iterator[str]:
    """Each reason for which the API would refuse the schema."""
    parts = list(walk(schema, path))
    for where, part in parts:
        yield from _part_problems(part, where)
    if _is_recursive(schema):
        yield f"{path}: recursive schemas are not supported"
    optional = sum(len(_dict(part.get("properties")).keys() - _list(part.get("required"))) for _, part in parts)
    unions = sum("anyOf" in part or isinstance(part.get("type"), list) for _, part in parts)
    if optional > OPTIONAL_LIMIT or unions > UNION_LIMIT:
        yield f"{path}: Schema is too complex for compilation ({optional} optional parameters, {unions} unions)"


def _part_problems(part: Schema, where: str) -> Iterator[str]:
    is_object = "object" in (_list(part.get("type")) or [part.get("type")]) or "properties" in part
    if is_object and part.get("additionalProperties") is not False:
        yield f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false"
    for keyword in UNSUPPORTED:
        if keyword in part:
            yield f"{where}.{keyword}: this keyword is not supported"
    if part.get("minItems", 0) not in (0, 1):
        yield f"{where}.minItems: values other than 0 or 1 are not supported"
    if not str(part.get("$ref", "#")).startswith("#"):
        yield f"{where}.$ref: external references are not supported"
    if LOOK_AROUND.search(str(part.get("pattern", ""))):
        yield f"{where}.pattern: look-arounds are not supported"


def _is_recursive(root: Schema) -> bool:
    """Whether following local references leads back to one that is being followed."""

    def leads_back(schema: Schema, followed: frozenset[str]) -> bool:
        for _, part in walk({**schema, "$defs": {}, "definitions": {}}, ""):
            reference = part.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#"):
                continue
            if reference in followed or leads_back(_resolve(root, reference), followed | {reference}):
                return True
        return False

    return leads_back(root, frozenset({"#"}))


def _resolve(root: Schema, reference: str) -> Schema:
    found: Any = root
    for step in reference.removeprefix("#").split("/"):
        found = found.get(step, {}) if step and isinstance(found, dict) else found
    return _dict(found)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
