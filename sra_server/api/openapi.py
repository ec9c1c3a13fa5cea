"""The OpenAPI 3.1 document, made from the route table and the models. From docs; to /openapi.json."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from sra_sdk.models import Problem

from . import problem
from .route import Route

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_TAGS = {
    "Authentication": "People and their sessions", "API Keys": "Keys of programs",
    "Data Ingestion": "Send logs and metrics", "Logs": "Search logs",
    "Incidents": "Troubles, their evidence and analysis",
    "Silences": "What nobody is told of for a while", "Lessons": "What false alarms have taught",
    "Monitoring": "Health and state",
    "Auto-Healing": "Actions and the dry-run switch", "Remedies": "Repairs: approve, watch",
    "Hosts": "Hosts and what their policies offer", "Agent": "What agents speak",
    "Documentation": "This description",
}
_SEAL = {
    "Producer": "Of a sealed batch, which is stored exactly once: who sends, 1 to 64 characters.",
    "Sequence": "Its number from this producer, from 1 on.",
    "Digest": "The SHA-256 of the body in hex.",
}
_SCHEMES: dict[str, Any] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Session": {"type": "http", "scheme": "bearer"},
}

Wanted = tuple[type[BaseModel], JsonSchemaMode]


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Return the whole document."""
    shown = [route for route in routes if not route.hidden]
    wanted = sorted(_models(shown), key=lambda pair: (pair[0].__name__, pair[1]))
    refs, definitions = models_json_schema(wanted, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, refs, definitions["$defs"])
    used = {route.tag for route in shown}
    return {
        "openapi": "3.1.0",
        "info": {"title": "System Reliability Assistant", "version": version, "license": {
            "name": "MIT", "identifier": "MIT"}, "description": (
            "Errors are `application/problem+json` with a stable `code`. A key speaks for its account "
            "with the scopes that it was given.")},
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
        "paths": paths,
        "components": {"schemas": definitions["$defs"], "securitySchemes": _SCHEMES, "responses": {
            "Problem": {"description": "An error", "content": {
                problem.MEDIA_TYPE: {"schema": refs[(Problem, "serialization")]}}}}},
    }


def _models(routes: Sequence[Route]) -> set[Wanted]:
    wanted: set[Wanted] = {(Problem, "serialization")}
    for route in routes:
        wanted |= {(model, "validation") for model in (route.body, route.query) if model is not None}
        if route.answer is not None:
            wanted.add((_item(route.answer), "serialization"))
    return wanted


def _item(answer: Any) -> type[BaseModel]:
    """Return the model inside `list[model]`, or the model."""
    model: type[BaseModel] = get_args(answer)[0] if get_origin(answer) is list else answer
    return model


def _operation(route: Route, refs: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    described = (route.handler.__doc__ or "").strip()
    operation: dict[str, Any] = {
        "summary": route.summary, "tags": [route.tag],
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z0-9]+', '_', route.path.lower()).rstrip('_')}",
        "description": described + (f"\n\nScope: `{route.scope}`." if route.scope else ""),
        "security": {"none": [{}], "bearer": [{"Session": []}],
                     "key": [{"ApiKey": []}, {"Session": []}]}[route.auth],
        "parameters": _parameters(route, refs, definitions),
        "responses": _responses(route, refs),
    }
    if route.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": refs[(route.body, "validation")]}}
        if route.path == "/ingest/logs/raw":
            content = {"application/json": {"schema": {"anyOf": [
                refs[(route.body, "validation")], {"type": "array", "items": {"type": "string"}}]}},
                "text/plain": {"schema": {"type": "string", "description": "One log line a line."}}}
        operation["requestBody"] = {"required": not route.body_optional, "content": content}
    return operation


def _parameters(route: Route, refs: Any, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    found = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
             for name in _PARAMETER.findall(route.path)]
    if route.raw_body:
        found += [{"name": f"X-SRA-{name}", "in": "header", "required": False, "description": text,
                   "schema": {"type": "string"}} for name, text in _SEAL.items()]
    if route.query is not None:
        name = refs[(route.query, "validation")]["$ref"].rsplit("/", 1)[1]
        schema = definitions[name]
        for field, value in schema.get("properties", {}).items():
            given = {"name": field, "in": "query", "required": field in schema.get("required", ()),
                     "schema": value}
            if "description" in value:
                given["description"] = value["description"]
            found.append(given)
    return found


def _responses(route: Route, refs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if route.answer is None:
        found[str(route.status)] = {"description": "Done", "content": {route.media_type: {}}}
    else:
        schema = refs[(_item(route.answer), "serialization")]
        if get_origin(route.answer) is list:
            schema = {"type": "array", "items": schema}
        content = {"application/json": {"schema": schema}}
        found[str(route.status)] = {"description": "Done", "content": content}
    for status in sorted(_statuses(route)):
        found[str(status)] = {"$ref": "#/components/responses/Problem"}
    return found


def _statuses(route: Route) -> set[int]:
    """Return the errors that follow from a route's shape, and its own."""
    found = set(route.errors) | {500, 503}
    if route.auth != "none":
        found.add(401)
    if route.scope is not None:
        found.add(403)
    if route.query is not None:
        found.add(422)
    if route.body is not None:
        found |= {400, 413, 415, 422}
    if _PARAMETER.search(route.path):
        found.add(404)
    return found - {route.status}
