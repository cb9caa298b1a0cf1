"""Manifests made by hand, one for each way in which readers of YAML differ."""

from tests.kubectl.whole import WHOLE

_POD = "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: x\n    "
_TAIL = "    tty: true\n"

ARGUMENTS = (
    *("[app, --listen=::, x]", "[app, ::, ':']", "[a:, b]", "{a: b:}", "[a:b, http://h:1/]"),
    *("[x?y]", "['x?y']", "[? a]", "[a ? b]", "[a#b]", "[a #b\n    ]", "[-, --]", "[- a]"),
    *("[yes, 'no']", "[0o17, 017, 08, 0x1F, 0b11]", "[1_000, 1e3, .5, .1_0, ._1, 1.]"),
    *("[1e999, .inf]", "[18446744073709551615]", "[18446744073709551616]", "[~, null, '']"),
    *("[2001-01-01, 1:30]", "[!!str 5, !!int '5', !!float 3]", "[!!int x]", "[!!binary aGk=]"),
    *("[! 5, !mine 5]", '["\\/"]', '["\\x41\\u00e9"]', '["\\ud83d\\ude00"]', "[a,]", "[a,,b]"),
    *("|\n      # wait\n      exec app", ">-\n      folded\n      text", "|+\n      keep\n\n"),
    *("[&x a, *x]", "[*x, &x a]", "&x [a]", "[\ta]", "[<<, =, '<<']", "[y, N, On, oFF]"),
)  # fmt: skip
ENTRIES = (
    "<<: {command: [b]}",
    "command: [a]\n    <<: {command: [b]}",
    "<<: {command: [b]}\n    command: [a]",
    "command: [a]\n    <<: &m\n      args: [b]",
    "command: [a]\n    <<: [{args: [b]}, {args: [c]}]",
    "command: [a]\n    env:\n    - name: A\n      <<: {value: b}",
    "? command\n    : [a]",
    "command: [a]\n    command: [b]",
    "command: [a]\n    <<: x",
    "command: [a]\n    <<: []",
    "command: [a]\n    '<<': {args: [b]}",
    "command: [a]\n    ? <<\n    : {args: [b]}",
    "command: [a]\n    ~: x",
    "command: [a]\n    1.5: x",
    "command: [a]\n    yes: x",
    "command: [a]\n    ? [k]\n    : v",
    "command: [a] # note",
    "command:\n    - a\n    -",
    "command: &c\n    - a\n    args: *c",
    "? command\n    :\n      - a",
)
STREAMS = (
    "",
    "\n",
    "---\n",
    "--- # head\na: 1\n",
    "--- {a: 1}\n",
    "--- a\n",
    "----\n",
    "%YAML 1.1\n---\na: 1\n",
    "a: 1\n...\nb: 2\n",
    "a: 1\n...\n---\nb: 2\n",
    "a: 1\r\n---\r\nb: 2\r\n",
    "a: 1\r---\rb: 2\n",
    "---\n---\na: 1\n",
    "# only words\n---\na: 1\n",
    "\ufeffa: 1\n",
    "a: 1\n---\n\ufeffb: 1\n",
    "a: 1\n\ufeffb: 2\n",
    "a: 1\r\ufeff\nb: 2\n",
    "!x <<: {a: 1}\n",
    "! <<: {a: 1}\n",
    "&x <<: {a: 1}\n",
    "!!str <<: {a: 1}\n",
    "{a: 1}",
    '{"a": 1}{"b": 2}',
    '{"a": 1}\n---\n{"b": 2}',
    '{"a": 1, "a": 2}',
    '{"a": 1}\n---\nb: 2\n',
    "a: |\n  # x\n  y",
    "a: |+\n  x",
    "a: x",
    "a: 'x\n\n  y'\n",
    "a: *b\n",
    "a: &b [*b]\n",
    "a: &b {c: &b 1}\nd: *b\n",
    "a:\n\tb: 1\n",
    "a: \u2028b\n",
    "a: \x85b\n",
    "a: \x01\n",
    "? a\n",
    "? a\n? b\n: c\n",
    "<<: {a: 1}\n",
    "<<: [{a: 1}, {a: 2}]\na: 3\n",
    "a: 1\n<<: {a: 2}\n",
    "l: &l [{a: 1}]\n<<: *l\n",
    "a: -0.0\n",
    "x: {a: b, <<: {a: c}}\n",
    "- a\n",
    "a\n",
    "kind: List\nitems:\n",
)
UTF_16 = ("kind: Pod\n", "a: 1\n---\nb: 2\n", "a: ä", "a: 1\r\n")

CASES: tuple[bytes, ...] = tuple(
    text.encode()
    for text in (
        *(f"{_POD}command: {each}\n{_TAIL}" for each in ARGUMENTS),
        *(f"{_POD}command: {each}" for each in ARGUMENTS),
        *(f"{_POD}{each}\n{_TAIL}" for each in ENTRIES),
        *(f"{_POD}tty: true\n    {each}" for each in ENTRIES),
        *STREAMS,
        *WHOLE,
    )
) + tuple(
    f"\ufeff{text}".encode(encoding) for text in UTF_16 for encoding in ("utf-16-be", "utf-16-le")
)
