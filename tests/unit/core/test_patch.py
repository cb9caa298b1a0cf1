"""The JSON Patch of RFC 6902, checked against PyPI's jsonpatch."""

import copy
import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given

from tests.unit.core.strategies import documents
from webhook.core import patch
from webhook.core.errors import PatchFailed
from webhook.core.pod import Json


@given(documents, documents)
def test_the_difference_applied_to_before_gives_after(before: Any, after: Any) -> None:
    written = json.dumps([before, after])
    operations = patch.diff(before, after)
    assert json.dumps(patch.apply(before, operations), sort_keys=True) == canonical(after)
    independent = jsonpatch.apply_patch(copy.deepcopy(before), copy.deepcopy(operations))
    assert json.dumps(independent, sort_keys=True) == canonical(after)
    assert {operation["op"] for operation in operations} <= {"add", "remove", "replace"}
    assert json.dumps([before, after]) == written


@given(documents)
def test_equal_documents_have_no_difference(document: Any) -> None:
    assert patch.diff(document, copy.deepcopy(document)) == []


def canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (True, 1), (1, 1.0), (0, False), ("1", 1), (None, False), ([], {}), ([1], [True])],
)
def test_types_are_told_apart_where_python_does_not(before: Any, after: Any) -> None:
    assert patch.diff({"a": before}, {"a": after}) == [
        {"op": "replace", "path": "/a", "value": after}
    ]


@pytest.mark.parametrize(
    ("before", "after", "operations"),
    [
        ({}, {"a": 1}, [{"op": "add", "path": "/a", "value": 1}]),
        ({"a": 1}, {}, [{"op": "remove", "path": "/a"}]),
        ({"a": None}, {"a": []}, [{"op": "replace", "path": "/a", "value": []}]),
        ({"a/b~c": 1}, {"a/b~c": 2}, [{"op": "replace", "path": "/a~1b~0c", "value": 2}]),
        ({"~1": 1}, {}, [{"op": "remove", "path": "/~01"}]),
        ({"": 1}, {"": 2}, [{"op": "replace", "path": "/", "value": 2}]),
        ([1], [2], [{"op": "replace", "path": "", "value": [2]}]),
        (
            [{"name": "a"}],
            [{"name": "new"}, {"name": "a", "x": 1}],
            [
                {"op": "add", "path": "/0", "value": {"name": "new"}},
                {"op": "add", "path": "/1/x", "value": 1},
            ],
        ),
        ([{"name": "a"}, {"name": "b"}], [{"name": "b"}], [{"op": "remove", "path": "/0"}]),
        ([{"name": "a"}, {"name": "b"}], [{"name": "a"}], [{"op": "remove", "path": "/1"}]),
        (
            [{"name": "a"}, {"name": "b"}],
            [{"name": "b"}, {"name": "a"}],
            [
                {"op": "remove", "path": "/0"},
                {"op": "add", "path": "/1", "value": {"name": "a"}},
            ],
        ),
    ],
)
def test_the_patch_names_only_what_changed(before: Any, after: Any, operations: list[Json]) -> None:
    """Semantics §4, unknown fields: lists of objects go by name, all else as a whole."""
    assert patch.diff(before, after) == operations
    assert patch.apply(before, operations) == after


def test_what_is_the_same_object_is_not_looked_into() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"deeper": deep}
    before = {"spec": deep, "metadata": {}}
    assert patch.diff(before, {**before, "metadata": {"a": 1}}) == [
        {"op": "add", "path": "/metadata/a", "value": 1}
    ]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "add", "path": "/nothing/below", "value": 1},
        {"op": "add", "path": "/text/0", "value": 1},
        {"op": "add", "path": "/empty/a", "value": 1},
        {"op": "add", "path": "/null/a", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1},
        {"op": "replace", "path": "/list/-1", "value": 1},
        {"op": "remove", "path": "/list/-1"},
        {"op": "remove", "path": "/list/2"},
        {"op": "remove", "path": "/list/00"},
        {"op": "replace", "path": "/list/1_0", "value": 1},
        {"op": "add", "path": "/list/٣", "value": 1},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "remove", "path": ""},
        {"op": "add", "path": "/no-value"},
        {"op": "move", "path": "/list/0", "from": "/list/7"},
        {"op": "test", "path": "/list/0", "value": 1},
        {"path": "/list/0"},
        {"op": "remove"},
    ],
)
def test_what_the_api_server_would_not_apply_does_not_apply(operation: Json) -> None:
    """Semantics §5: a patch that does not apply rejects the pod; the check must be as strict."""
    document = {"list": [1, 2], "text": "abc", "empty": "", "null": None}
    with pytest.raises(PatchFailed):
        patch.apply(document, [operation])


def test_a_failure_does_not_tell_values() -> None:
    operation = {"op": "replace", "path": "/a/b", "value": "--password=hunter2"}
    with pytest.raises(PatchFailed) as failure:
        patch.apply({}, [operation])
    assert "replace /a/b" in str(failure.value)
    assert "hunter2" not in str(failure.value)
