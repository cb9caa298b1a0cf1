"""Texts are read as kubectl reads them; what it refuses is refused with its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.cli.manifest import files, from_json, from_yaml
from webhook.cli.manifest.nodes import Document, Mapping, Misplaced, Node, Scalar, Sequence
from webhook.cli.manifest.places import keys, locate
from webhook.core.errors import BadManifest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


def nodes(node: Node) -> list[Node]:
    """Give a node and everything in it."""
    found = [node]
    if isinstance(node, Mapping):
        for entry in node.entries:
            found += [*nodes(entry.key), *nodes(entry.value)]
    if isinstance(node, Sequence):
        for item in node.items:
            found += nodes(item)
    return found


def read(tmp_path: Path, text: str | bytes, name: str = "m.yaml") -> files.Manifest:
    """Read a file with that content."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return files.read(str(path))


def data(documents: list[Document]) -> list[object]:
    return [document.content() for document in documents]


@given(JSON, st.sampled_from([None, 2, "\t"]))
def test_json_is_read_as_python_reads_it(value: object, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    assert data(from_json.parse(f" {text}\n{text} ")) == [value, value]


@given(JSON)
def test_every_node_of_a_json_text_knows_its_place(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    (document,) = from_json.parse(text)
    assert document.root
    for node in nodes(document.root):
        if isinstance(node, Scalar):
            assert json.loads(text[node.start : node.end]) == node.value
        else:
            assert text[node.start] + text[node.end - 1] in ("{}", "[]")


def test_places_count_characters_behind_wide_ones_and_properties() -> None:
    text = "# ä€😀\r\na: &x !!str 12\r\nb: *x\r\n"
    (document,) = from_yaml.parse(text)
    assert isinstance(document.root, Mapping)
    first = document.root.entries[0].value
    assert text[first.start : first.end] == "12"
    assert document.content() == {"a": "12", "b": "12"}


def test_documents_are_counted_and_empty_ones_are_documents_too() -> None:
    text = "# only words\n---\n---\na: 1\n...\n---\nb: 2\n"
    assert data(from_yaml.parse(text)) == [None, {"a": 1}, {"b": 2}]
    assert from_yaml.parse("") == []


def test_merged_keys_are_seen_and_what_comes_last_wins() -> None:
    text = "a: &a {x: 1, w: 1}\nb: &b {x: 2, z: 2}\nc: {z: 1, <<: [*a, *b], w: 3}\n"
    assert data(from_yaml.parse(text))[0] == {
        "a": {"x": 1, "w": 1},
        "b": {"x": 2, "z": 2},
        "c": {"x": 1, "w": 3, "z": 2},
    }


def test_keys_are_strings_as_kubectl_makes_them() -> None:
    assert data(from_yaml.parse("y: a\n1: b\n1.50: c\n'n': d\n")) == [
        {"true": "a", "1": "b", "1.5": "c", "n": "d"}
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n---\n1: 1\n'1': 2\n", "document 2, line 4: the key 1 is there twice, once"),
        ("a: 1\n--- b\n", "document 1, line 2: kubectl takes only a comment behind ---, not 'b'"),
        ("a: 1\r---\rb: 2\n", "document 1, line 1: kubectl reads nothing of what follows"),
        ("a: [x?y]\n", "document 1, line 1: kubectl takes no ? in a word in brackets"),
        ("a: 1\n~: 2\n", "document 1, line 2: kubectl takes no such key"),
        ("a: .inf\n", "document 1, line 1: kubectl takes no infinite number"),
        ("a: !!int x\n", "document 1, line 1: 'x' is no !!int"),
        ("a: [\n", "document 1, line 2: did not find expected node content"),
        ("a: 1\n---\nb:\n\tc: 1\n", "document 2, line 4: found character that cannot start"),
        ("a: \x01\n", "document 1, line 1: a character that YAML does not allow"),
        ("a: *b\n", "document 1, line 1: no anchor &b before it"),
        ("? [a]\n: b\n", "document 1, line 1: a key must be a word"),
        ("[" * 300, "nested deeper than 200 levels"),
        ("!!str <<: {a: 1}\n", "document 1, line 1: << takes no tag"),
        ("!!binary PDw=: {a: 1}\n", "document 1, line 1: << has to be a plain word"),
        ("b:\n? |-\n  <<\n: {a: 1}\n", "document 1, line 2: << has to be a plain word"),
        ("a: !!binary x\n", "document 1, line 1: this is no text in base64"),
        ("b:\na: !!timestamp 2001-01-01\n",
         "document 1, line 2: a value with the tag !!timestamp is not supported"),
        ('{"a": "b}', "document 1, line 1: Unterminated string"),
        ('{"a":\n !}', "document 1, line 2: a JSON value is expected here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_document_and_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(BadManifest) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "m.yaml" in str(caught.value)


def test_json_is_read_as_deep_as_yaml() -> None:
    with pytest.raises(Misplaced, match="nested deeper than 200 levels") as caught:
        from_json.parse("[" * 201)
    assert caught.value.at == 200
    assert data(from_json.parse("[" * 200 + "]" * 200))


@pytest.mark.slow
def test_more_words_that_end_in_a_colon_than_anybody_writes_are_refused() -> None:
    """Each of them has the document read once more."""
    said = "more than 1000 words in brackets with a : at their end"
    with pytest.raises(Misplaced, match=said):
        from_yaml.parse(f"[{'a:,' * 1001}]")


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("spec.containers[0].name", "web"),
        ("spec.containers[1].name", "[{name: web}]"),
        ("spec.containers[0].name.first", "web"),
        ("spec.volumes[0]", "{containers: [{name: web}]}"),
    ],
)
def test_a_place_that_is_not_there_is_the_last_one_on_the_way(place: str, found: str) -> None:
    (document,) = from_yaml.parse("spec: {containers: [{name: web}]}\n")
    node = locate(document, keys(place))
    assert node
    assert document.text[node.start : node.end] == found


@pytest.mark.slow
def test_a_bomb_of_aliases_is_refused_before_it_needs_the_memory() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    text = "\n".join(["a0: &a0 [x, x]", *levels])
    (document,) = from_yaml.parse(text)
    with pytest.raises(Misplaced, match="more than 1,000,000 values"):
        document.content()


def test_an_alias_of_what_is_not_finished_is_refused() -> None:
    with pytest.raises(Misplaced, match="no anchor &a"):
        from_yaml.parse("a: &a [*a]\n")


def test_bytes_that_are_no_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="line 2: this is no UTF-8"):
        read(tmp_path, b"a: 1\nb: \xff\n")


def test_yaml_in_braces_is_no_json_and_read_all_the_same(tmp_path: Path) -> None:
    manifest = read(tmp_path, "{a: [yes,],}\n")
    assert not manifest.is_json
    assert data([*manifest.documents]) == [{"a": [True]}]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    manifest = read(tmp_path, "\ufeffa: 1\n")
    assert (manifest.mark, manifest.text) == ("\ufeff", "a: 1\n")


def test_folders_give_their_manifests_by_name(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.json", "c.yml", "no.txt", "sub/d.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    flat = [Path(each).name for each in files.find([str(tmp_path)])]
    deep = [Path(each).name for each in files.find([str(tmp_path)], recursive=True)]
    assert flat == ["a.json", "b.yaml", "c.yml"]
    assert deep == ["a.json", "b.yaml", "c.yml", "d.yaml"]
    assert [*files.find(["-", "x.txt"])] == ["-", "x.txt"]


def test_a_file_is_replaced_whole_and_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("a: 1\n")
    real.chmod(0o640)
    link.symlink_to(real)
    files.replace(link, "a: 2\n")
    assert link.is_symlink()
    assert real.read_text() == "a: 2\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


def test_a_file_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        files.replace(tmp_path / "folder", "a: 2\n")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
