"""What the roles on AWS allow, next to what the program does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
from manifests import templates

ROLES = templates()["roles"]
RESOURCES, CONDITIONS = ROLES["Resources"], ROLES.get("Conditions", {})
REMOVE = ("s3:DeleteObject", "s3:DeleteObjectVersion")  # without a version, and with one
TAG = tuple(f"s3:{verb}Object{what}Tagging" for verb in ("Get", "Put") for what in ("", "Version"))


def may(role: str, action: str, bucket: str, key: str = "", retention: str = "keep") -> bool:
    """Say whether a role's task may do this; buckets are called as `storage.yaml` exports them."""
    return any(
        action in _listed(one["Action"])
        and any(fnmatchcase(f"{bucket}/{key}" if key else bucket, place) for place in _places(one))
        for one in _statements(role, retention)
    )


def _statements(role: str, retention: str) -> Iterator[dict[str, Any]]:
    properties = RESOURCES[role]["Properties"]
    for name in (one["Ref"] for one in properties.get("ManagedPolicyArns", ())):
        yield from RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]
    for policy in _chosen(properties.get("Policies", []), retention):
        yield from _chosen(policy["PolicyDocument"]["Statement"], retention)


def _chosen(parts: list[Any], retention: str) -> Iterator[dict[str, Any]]:
    """Leave out what a condition leaves out."""
    for part in parts:
        if "Fn::If" not in part:
            yield part
            continue
        name, then, otherwise = part["Fn::If"]
        chosen = then if _holds(CONDITIONS[name], retention) else otherwise
        if chosen != {"Ref": "AWS::NoValue"}:
            yield chosen


def _holds(condition: Mapping[str, Any], retention: str) -> bool:
    ((function, given),) = condition.items()
    if function == "Fn::Not":
        return not _holds(given[0], retention)
    assert function == "Fn::Equals"
    assert given[0] == {"Ref": "Retention"}
    return bool(given[1] == retention)


def _places(statement: Mapping[str, Any]) -> Iterator[str]:
    for place in _listed(statement["Resource"]):
        if isinstance(place, dict) and isinstance(place.get("Fn::Sub"), list):
            text, names = place["Fn::Sub"]
            imported = names["Bucket"]["Fn::ImportValue"]["Fn::Sub"].removeprefix("${Fleet}-")
            yield text.partition(":::")[2].replace("${Bucket}", imported)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("key", ["ocr/1f", "tenant/ocr/1f", ".pageline-doctor-1f"])
def test_the_service_removes_what_it_put_there_for_a_moment(key: str) -> None:
    assert may("Serve", "s3:PutObject", "uploads", key)
    assert may("Serve", "s3:DeleteObject", "uploads", key)


@pytest.mark.parametrize("key", ["ocr/1f", "tenant/ocr/1f"])
@pytest.mark.parametrize("action", REMOVE)
def test_control_removes_it_should_the_service_have_died(key: str, action: str) -> None:
    assert may("Control", action, "uploads", key)


@pytest.mark.parametrize("role", ["Serve", "Worker", "Control", "Bridge"])
@pytest.mark.parametrize("bucket", ["uploads", "documents"])
def test_nobody_touches_what_people_put_there_unless_it_was_asked_for(role: str, bucket: str) -> None:
    for action in (*REMOVE, *TAG):
        assert not may(role, action, bucket, "ab/12-letter.pdf")
        allowed = role == "Control" and action in TAG
        assert may(role, action, bucket, "ab/12-letter.pdf", "tag") is allowed
        assert may(role, action, bucket, "ab/12-letter.pdf", "delete") is (role == "Control")
    assert not may(role, "s3:PutObject", "documents", "letter.pdf", "delete")


def test_the_right_and_the_wish_are_one_parameter() -> None:
    fleet = templates()["fleet"]
    assert fleet["Parameters"]["Retention"] == ROLES["Parameters"]["Retention"]
    assert ROLES["Parameters"]["Retention"]["AllowedValues"] == ["keep", "tag", "delete"]
    (container,) = fleet["Resources"]["ControlTask"]["Properties"]["ContainerDefinitions"]
    told = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert told["PAGELINE_RETENTION__SOURCES"] == {"Ref": "Retention"}
