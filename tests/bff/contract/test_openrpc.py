"""The OpenRPC document: what it says, and whom the two ways to it answer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import procedures
from bff import __version__
from bff.contract import openrpc
from bff.contract.model import contract
from bff.errors import Code
from bff.rpc.registry import Registry
from tests.bff.conftest import Bff, Start
from tests.bff.rpc.test_jsonrpc import PROCEDURES
from tests.fakes.openstack import FakeOpenStack

CONTRACT = contract(Registry(procedures.ALL))
DOCUMENT = openrpc.document(CONTRACT)
METHODS = {method["name"]: method for method in DOCUMENT["methods"]}
DISCOVER = {"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}


def resolved(part: Any) -> Any:
    """Return what a ``$ref`` of the document points to."""
    for step in part["$ref"].removeprefix("#/").split("/") if "$ref" in part else ():
        part = (DOCUMENT if "$ref" in part else part)[step]
    return part


def test_every_procedure_is_a_method_and_nothing_else_is() -> None:
    assert METHODS.keys() == {procedure.name for procedure in procedures.ALL}
    assert DOCUMENT["info"]["version"] == __version__


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)))
    assert references
    for reference in references:
        assert resolved({"$ref": reference})


def test_a_registry_without_procedures_has_a_document_without_methods() -> None:
    assert openrpc.document(contract(Registry([])))["methods"] == []


@pytest.mark.parametrize("procedure", procedures.ALL, ids=lambda procedure: procedure.name)
def test_a_method_says_what_its_procedure_is(procedure: Any) -> None:
    method = METHODS[procedure.name]
    assert method["paramStructure"] == "by-name"
    assert method["x-kind"] == procedure.kind.value
    assert method["x-destructive"] is procedure.is_destructive
    assert method["x-soft-answer"] is procedure.soft_answer
    assert method.get("x-upload-route", "") == procedure.upload_route
    assert method["tags"] == [{"name": procedure.name.rpartition(".")[0]}]
    names = {param["name"] for param in method["params"]}
    fields = procedure.input.model_fields.items()
    assert names == {field.alias or name for name, field in fields}


def test_what_deletes_deactivates_or_signs_out_is_destructive() -> None:
    names = {name.rpartition(".")[2] for name, method in METHODS.items() if method["x-destructive"]}
    assert names == {
        "terminateUserSession",
        "deleteImage",
        "deleteImages",
        "deleteImageMember",
        "deactivateImage",
        "deactivateImages",
    }


@pytest.mark.parametrize("procedure", procedures.ALL, ids=lambda procedure: procedure.name)
def test_a_method_has_each_error_that_its_procedure_may_end_with(procedure: Any) -> None:
    errors = [resolved(error) for error in METHODS[procedure.name]["errors"]]
    numbers = [error["code"] for error in errors]
    assert len(numbers) == len(set(numbers))
    kinds = {(e["code"], kind["code"], kind["httpStatus"]) for e in errors for kind in e["data"]}
    assert kinds == {(c.number, c.label, c.http_status) for c in procedure.may_end_with}
    for code, reason in procedure.reasons.items():
        assert any(error["code"] == code.number and reason in error["message"] for error in errors)


def test_an_example_is_the_one_of_the_page() -> None:
    for described in CONTRACT.procedures:
        (example,) = METHODS[described.procedure.name]["examples"]
        given = {param["name"]: param["value"] for param in example["params"]}
        assert given == described.example
        assert example["result"]["value"] == described.answer


def test_every_code_of_the_table_is_among_the_shared_errors() -> None:
    shared = DOCUMENT["components"]["errors"].values()
    labels = [(error["code"], kind["code"]) for error in shared for kind in error["data"]]
    assert sorted(labels) == sorted((code.number, code.label) for code in Code)


async def document(bff: Bff, **headers: str) -> Any:
    return await bff.request("GET", f"{bff.origin}/polaris-bff/openrpc.json", headers=headers)


async def test_the_route_and_the_method_answer_the_same_document_to_anybody(
    bff: Bff, openstack: FakeOpenStack
) -> None:
    response = await document(bff)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response.headers
    assert await response.json() == (await bff.call("rpc.discover"))["result"] == DOCUMENT
    assert openstack.requests == []


async def test_an_upload_route_is_one_that_takes_files(bff: Bff) -> None:
    routes = [m["x-upload-route"] for m in METHODS.values() if "x-upload-route" in m]
    assert routes == ["upload-image"]
    for route in routes:
        refused = await bff.request("GET", f"{bff.origin}/polaris-bff/{route}")
        assert refused.headers["Allow"] == "POST"
        assert "Files are uploaded with POST." in await refused.text()


async def test_the_document_says_nothing_of_the_deployment(start: Start) -> None:
    key = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I="
    settings = {"region": "RegionSecret", "glance_url": "http://glance.internal:9292"}
    bff = await start(secret_keys=key, allowed_origins=("https://ui.internal",), **settings)
    text = await (await document(bff, Host="attacker.example")).text()
    assert json.loads(text) == DOCUMENT
    for secret in (key, *settings.values(), "ui.internal", "attacker.example", "127.0.0.1"):
        assert secret not in text


async def test_a_procedure_that_is_added_is_in_the_document(start: Start) -> None:
    got = await (await document(await start(*PROCEDURES))).json()
    assert {p.name for p in PROCEDURES} <= {method["name"] for method in got["methods"]}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_http_method_is_refused_with_405(method: str, bff: Bff) -> None:
    response = await bff.request(method, f"{bff.origin}/polaris-bff/openrpc.json", data=b"{}")
    assert response.status == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    error = (await response.json())["error"]
    assert (error["code"], error["data"]["code"]) == (-32005, "METHOD_NOT_SUPPORTED")
    assert error["data"]["requestId"] == response.headers["X-Openstack-Request-Id"]


async def test_head_has_the_headers_of_get(bff: Bff) -> None:
    got = await document(bff)
    head = await bff.request("HEAD", f"{bff.origin}/polaris-bff/openrpc.json")
    assert head.status == 200
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert head.headers["ETag"] == got.headers["ETag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} '])
async def test_whoever_has_the_document_gets_304(form: str, bff: Bff) -> None:
    first = await document(bff)
    assert first.headers["Cache-Control"] == "no-cache"
    etag = first.headers["ETag"]
    again = await document(bff, **{"If-None-Match": form.format(etag)})
    assert again.status == 304
    assert again.headers["ETag"] == etag


@pytest.mark.parametrize("known", ["", '"other"', "*" * 4000, ", ,", 'W/""'])
async def test_any_other_if_none_match_gets_the_document(known: str, bff: Bff) -> None:
    assert (await document(bff, **{"If-None-Match": known})).status == 200


async def test_the_route_does_not_look_at_credentials(bff: Bff, openstack: FakeOpenStack) -> None:
    headers = {"X-Auth-Token": "no token", "Cookie": "__Host-polaris-bff=x", "Origin": "http://a.b"}
    response = await document(bff, **headers, **{"Sec-Fetch-Site": "cross-site"})
    assert response.status == 200
    assert "Access-Control-Allow-Origin" not in response.headers
    assert openstack.requests == []


async def test_a_front_end_of_an_allowed_origin_may_read_the_document(start: Start) -> None:
    bff = await start(allowed_origins=("https://ui.example",))
    allowed = await document(bff, Origin="https://ui.example")
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://ui.example"
    other = await document(bff, Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize("params", [{"x": 1}, [1], [{}, {}], {"project_id": "../x"}])
async def test_the_method_takes_no_params(params: Any, bff: Bff) -> None:
    assert (await bff.call("rpc.discover", params))["error"]["data"]["code"] == "BAD_REQUEST"


async def test_a_batch_gets_the_document_once_however_often_it_asks(bff: Bff) -> None:
    answers = await bff.json([DISCOVER] * 100)
    assert answers[0]["result"] == DOCUMENT
    assert {answer["error"]["data"]["code"] for answer in answers[1:]} == {"TOO_MANY_REQUESTS"}
    assert (await bff.json(DISCOVER))["result"] == DOCUMENT


async def test_the_method_is_refused_to_a_page_of_another_site(bff: Bff) -> None:
    answer = await bff.call(
        "rpc.discover", Origin="http://evil.example", Sec_Fetch_Site="cross-site"
    )
    assert answer["error"]["data"]["code"] == "FORBIDDEN"


async def test_the_method_as_a_notification_is_not_answered(bff: Bff) -> None:
    response = await bff.post(json.dumps({"jsonrpc": "2.0", "method": "rpc.discover"}).encode())
    assert response.status == 204
