"""Only what says something else is another text; the result says exactly what was wanted."""

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.cli.manifest import from_json, from_yaml
from webhook.cli.manifest.nodes import Misplaced
from webhook.cli.manifest.splice import splice as splice_one
from webhook.core import mutation
from webhook.core.argv import INIT
from webhook.core.patch import diff

NAMES = st.sampled_from(["web", "db", "yes", "0x1", "a b", "ä", "#c", "it's", 'say "x"', "- d"])
LEAVES = NAMES | st.none() | st.booleans() | st.integers(0, 99)
DELIVERY = mutation.Delivery("reaper:1", "1")


def splice(text: str, wanted: list[Any], parse: Any) -> str:
    """Change a text of one document."""
    (document,), (data,) = parse(text), wanted
    parse_one = from_yaml.parse_one if parse is from_yaml.parse else from_json.parse_one
    new = splice_one(document, document.values(), data, parse_one)
    return text[: document.start] + new + text[document.start + len(document.text) :]


@st.composite
def containers(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = []
    for index in range(draw(st.integers(1, 3))):
        container: dict[str, Any] = {"name": f"c{index}"}
        if draw(st.booleans()):
            container["command"] = draw(st.lists(NAMES | st.just("a\nb\n"), max_size=3))
        if draw(st.booleans()):
            container["env"] = draw(st.dictionaries(NAMES, LEAVES, max_size=2))
        if draw(st.booleans()):
            container["volumeMounts"] = draw(st.sampled_from([None, [], [{"name": "d"}]]))
        made.append(dict(draw(st.permutations(list(container.items())))))
    return made


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    fields = {
        "kind": "Pod",
        "metadata": draw(st.sampled_from([None, {}, {"name": "x"}, {"annotations": {"a": "b"}}])),
        "spec": {"containers": draw(containers()), "x": draw(LEAVES)},
    }
    return dict(draw(st.permutations(list(fields.items()))))


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """Change a document as the engine does, in every place where it may."""
    wanted = copy.deepcopy(document)
    metadata = wanted["metadata"] or {}
    wanted["metadata"] = {
        **metadata,
        "annotations": {**(metadata.get("annotations") or {}), "s": '{"v":1}'},
    }
    for container in wanted["spec"]["containers"]:
        container["command"] = [INIT, "--", *(container.get("command") or [])]
        mounts = container.get("volumeMounts") or []
        container["volumeMounts"] = [*mounts, dict(mutation.READ_ONLY_MOUNT)]
    wanted["spec"]["volumes"] = [mutation.our_volume(DELIVERY)]
    wanted["spec"]["initContainers"] = [mutation.our_init_container(DELIVERY)]
    return wanted


class Indented(yaml.SafeDumper):
    """Writes lists further in than their key, as many people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


@given(
    documents(),
    st.sampled_from([yaml.SafeDumper, Indented]),
    st.sampled_from([True, False, None]),
    st.sampled_from([2, 4]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_yaml_of_any_style_says_what_was_wanted(
    document: dict[str, Any], dumper: Any, flow: bool | None, indent: int, newline: str
) -> None:
    style: dict[str, Any] = {
        "default_flow_style": flow,
        "indent": indent,
        "allow_unicode": True,
        "width": 60,
    }
    text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, **style)
    text = text.replace("\n", newline)
    (read,) = (each.content() for each in from_yaml.parse(text))
    wanted = changed(read)
    spliced = splice(text, [wanted], from_yaml.parse)
    assert not diff([each.content() for each in from_yaml.parse(spliced)], [wanted])
    assert splice(spliced, [wanted], from_yaml.parse) == spliced


@given(documents(), st.sampled_from([None, 2, 4, "\t"]), st.booleans())
def test_json_of_any_style_says_what_was_wanted_and_stays_json(
    document: dict[str, Any], indent: int | str | None, dense: bool
) -> None:
    separators = (",", ":") if dense and indent is None else None
    text = json.dumps(document, indent=indent, separators=separators)
    wanted = changed(document)
    spliced = splice(text, [wanted], from_json.parse)
    assert json.loads(spliced) == wanted
    assert not diff(json.loads(spliced), wanted)
    assert spliced == json.dumps(wanted, indent=indent, separators=separators) or indent is None


@given(documents(), st.lists(st.sampled_from(["", "# note", "  # far"]), max_size=4))
def test_what_is_not_changed_stays_byte_for_byte(
    document: dict[str, Any], notes: list[str]
) -> None:
    lines = yaml.dump(document, sort_keys=False, default_flow_style=False).splitlines()
    if not any("|" in line or line.endswith(("'", '"')) for line in lines):  # none inside a text
        for at, note in enumerate(notes):
            lines.insert(min(at * 3, len(lines)), note)
    text = "\n".join(lines) + "\n"
    (read,) = (each.content() for each in from_yaml.parse(text))
    assert splice(text, [read], from_yaml.parse) == text
    spliced = splice(text, [changed(read)], from_yaml.parse).splitlines()
    kept = [line for line in lines if "#" in line]
    assert [line for line in spliced if line in kept] == kept


def test_a_place_seen_through_an_alias_is_written_out_only_where_it_must_differ() -> None:
    text = "a: &a {x: 1} # one\nb: *a # two\nc: *a # three\n"
    wanted = [{"a": {"x": 2}, "b": {"x": 2}, "c": {"x": 1}}]
    assert (
        splice(text, wanted, from_yaml.parse)
        == "a: &a {x: 2} # one\nb: *a # two\nc:\n  x: 1 # three\n"
    )


def test_a_merged_key_is_written_out_where_it_must_differ() -> None:
    text = "a: &a\n  x: 1\nb:\n  <<: *a # base\n  z: 1\n"
    wanted = [{"a": {"x": 1}, "b": {"x": 2, "z": 1}}]
    assert (
        splice(text, wanted, from_yaml.parse)
        == "a: &a\n  x: 1\nb:\n  <<: *a # base\n  z: 1\n  x: 2\n"
    )


@pytest.mark.parametrize(
    ("text", "wanted", "spliced"),
    [
        ("a: 1\nb: 2 # two\n", {"a": 1}, '{"a": 1} # two\n'),
        ("a:\n  x: 1\n  y: 2\nb: 2\n", {"a": {"x": 1}, "b": 2}, "a:\n  x: 1\nb: 2\n"),
        ("a: [1, 2] # two\n", {"a": [1, 3, 4]}, "a: [1, 3, 4] # two\n"),
        ("- 1\n- [2]\n- 3\n", [1, {"a": 5}, 3], '- 1\n- {"a": 5}\n- 3\n'),
    ],
)
def test_what_is_gone_is_gone_from_the_text(text: str, wanted: Any, spliced: str) -> None:
    assert splice(text, [wanted], from_yaml.parse) == spliced


def test_a_merge_of_what_is_gone_is_written_out_without_it() -> None:
    text = "a: &a\n  x: 1\nb:\n  <<: *a\n  z: 1\n"
    wanted = [{"a": {"x": 1}, "b": {"z": 1}}]
    assert splice(text, wanted, from_yaml.parse) == "a: &a\n  x: 1\nb:\n  z: 1\n"


def test_a_hyphen_in_an_anchor_is_no_dash_of_a_list() -> None:
    spliced = splice("a:\n- &x-y 1\n", [{"a": [0, 1]}], from_yaml.parse)
    assert spliced == "a:\n- 0\n- &x-y 1\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("# nothing\n", {"a": 1}), ("? a\n: - 1\n  - 2\n", {"a": [0, 1, 2]})],
)
def test_what_cannot_be_changed_in_place_is_refused_and_a_way_is_named(
    text: str, wanted: Any
) -> None:
    with pytest.raises(Misplaced, match="in a way that can't be changed in place") as caught:
        splice(text, [wanted], from_yaml.parse)
    assert caught.value.next_step == "Or try --output yaml, which writes every document anew."


@pytest.mark.parametrize(
    "text",
    [
        "spec:\n  containers:\n  - name: a\n    command:\n    - |+\n      keep\n\n",
        "spec:\n  containers:\n  - name: a\n    command:\n    - |\n      keep",
        "spec:\n  containers:\n  -\n    name: a # first\n    command:\n      - - 1\n",
        "spec: {containers: [{name: a, command: [x,],},],}\n",
        "spec:\n  containers: [\n    {name: a,\n     command: [x # y\n     ]}\n  ]\n",
        "--- # head\nspec:\n  containers:\n  - name: a\n    command: # none\n...\n",
        "spec:\n    containers:\n      - name: a\n        command: &c\n        - x\n    b: *c\n",
    ],
)
def test_odd_ways_to_write_yaml_are_changed_as_well(text: str) -> None:
    (read,) = (each.content() for each in from_yaml.parse(text))
    wanted = copy.deepcopy(read)
    for container in wanted["spec"]["containers"]:
        container["command"] = ["init", *(container["command"] or [])]
        container["volumeMounts"] = [dict(mutation.READ_ONLY_MOUNT)]
    wanted["metadata"] = {"annotations": {"a": "b"}}
    spliced = splice(text, [wanted], from_yaml.parse)
    assert not diff([each.content() for each in from_yaml.parse(spliced)], [wanted])
    assert spliced.count("#") == text.count("#")
