"""Pods as people may write them: every style of YAML, merges, words that mean something, slips."""

from random import Random

_WORDS = (
    *("app", "sh", "-c", "a:b", "::", "--listen=::", "x:", "yes", "on", "0x1F", "017", "08"),
    *("1e3", "-1", ".5", "1_000", "~", "null", "''", "'q'", '"d\\n"', '"\\x41"', "http://h?x=1"),
    *("a#b", "a #c", "- d", "@x", "%y", "!t z", "!!str 5", "!!int 5", "!!float 3", "! 5", "*a"),
    *("2001-01-01", "=", "<<", "ä", "a?b", "?", "{{x}}", "1:30", "-0", "1e999", "it's", 'a"b'),
    *("99999999999999999999", "k: v", '"\\/"', "'two\n      lines'", "-", "--", "&v a", "[]", "{}"),
    *("!!binary aGk=", "0.5_0", ".1_0", "_1", "1_", "+1", "1.", "..", "\ue000", "`", "a]", "\\"),
)  # fmt: skip
_MERGES = (
    *(
        "<<: *m",
        "<<: {command: [b]}",
        "<<: {image: y}",
        "<<: [*m, {args: [z]}]",
        "<<:\n@  image: z",
    ),
    *("? <<\n@: *m", "'<<': x", "<<: {volumeMounts: [{name: q, mountPath: /q}]}", "<<: []"),
)
_MOUNTS = (
    "",
    " []",
    " ~",
    "\n@- {name: v, mountPath: /v}",
    "\n@- name: v\n@  <<: {readOnly: yes}",
)
_LINES = ("# wait", "exec app", "", "  more", "key: v", "- a", "...")
_SLIPS = (
    "",
    ":",
    " ",
    "\n",
    ",",
    "]",
    "'",
    '"',
    "?",
    "#",
    "-",
    "\t",
    "\r",
    "&a ",
    "*a",
    "!x ",
    "|",
    "{",
)


def manifest(chance: Random) -> str:
    """Write one or two pods, and slip now and then."""
    wild = chance.choice((0.6, 0.15, 0.05, 0))
    pods = [_pod(chance, wild) for _ in range(chance.choice((1, 1, 2)))]
    text = "\n---\n".join(pods) + chance.choice(("\n", "", "\n\n", "\n...\n", "\n# end", "  "))
    if chance.random() < 0.1:
        text = text.replace("\n", "\r\n")
    if chance.random() < 0.25:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(_SLIPS) + text[at + chance.randint(0, 2) :]
    return text


def _pod(chance: Random, wild: float) -> str:
    fields = [
        "apiVersion: v1",
        "kind: Pod",
        chance.choice(("metadata: {name: p}", "metadata:\n  name: p", "metadata: {}")),
        "x-m: &m " + chance.choice(("{tty: true}", "\n  tty: true", "{command: [mm]}")),
    ]
    dash = chance.choice(("  ", "    "))
    containers = [_container(chance, wild, dash) for _ in range(chance.randint(1, 2))]
    spec = ["containers:\n" + "\n".join(containers)]
    rest = (
        "restartPolicy: Never",
        "volumes: [{name: v, emptyDir: {}}]",
        "volumes:",
        "initContainers: []",
        "<<: {hostname: h}",
        "volumes:\n  - name: v\n    emptyDir: {}",
    )
    spec += [each for each in rest if chance.random() < 0.15]
    chance.shuffle(spec)
    head = chance.choice(("spec:", "spec: # s", "spec: &s", "? spec\n:"))
    fields.append(f"{head}\n  " + "\n  ".join(spec))
    return chance.choice(("", "---\n", "--- # c\n")) + "\n".join(fields)


def _container(chance: Random, wild: float, dash: str) -> str:
    indent = f"{dash}  "
    if chance.random() < 0.15:
        merge = chance.choice(("", ", <<: *m", ", <<: {command: [q]}"))
        return f"{dash}- {{name: f, image: x, command: {_flow(chance, wild)}{merge}}}"
    parts = ["name: a", f"image: {chance.choice(('x', 'r/x:1', chr(39) + 'x' + chr(39)))}"]
    for _ in range(chance.randint(0, 4)):
        kind = chance.random()
        if kind < 0.6:
            parts.append(chance.choice(("command:", "args:")) + _argv(chance, wild, indent))
        elif kind < 0.8:
            parts.append(chance.choice(_MERGES).replace("@", indent))
        elif kind < 0.9:
            parts.append("volumeMounts:" + chance.choice(_MOUNTS).replace("@", indent))
        else:
            parts.append(
                f"env:\n{indent}- name: A\n{indent}  value:{_block(chance, indent + '  ')}"
            )
    chance.shuffle(parts)
    gap = "\n" + chance.choice(("", "", "# note\n", "\n")) + indent
    return dash + chance.choice(("- ", "-\n" + indent)) + gap.join(parts)


def _argv(chance: Random, wild: float, indent: str) -> str:
    if chance.random() < 0.5:
        return " [" + ", ".join(_word(chance, wild) for _ in range(chance.randint(0, 3))) + "]"
    items = (
        _block(chance, indent) if chance.random() < 0.2 else f" {_word(chance, wild)}"
        for _ in range(chance.randint(1, 3))
    )
    return "".join(f"\n{indent}-{item}" for item in items)


def _block(chance: Random, indent: str) -> str:
    head = chance.choice(("|", ">", "|-", ">-", "|+", ">+", "|2", "|2-", "|+2"))
    lines = (chance.choice(_LINES) for _ in range(chance.randint(1, 4)))
    return f" {head}\n" + "\n".join(f"{indent}  {line}" if line else "" for line in lines)


def _flow(chance: Random, wild: float, depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.5:
        return _word(chance, wild)
    parts = [_flow(chance, wild, depth + 1) for _ in range(chance.randint(0, 3))]
    end = chance.choice(("", "", ","))
    if chance.random() < 0.6:
        return f"[{', '.join(parts)}{end}]"
    keys = ("k: ", "<<: ", '"k":', "? k : ", "k:")
    return f"{{{', '.join(chance.choice(keys) + part for part in parts)}{end}}}"


def _word(chance: Random, wild: float) -> str:
    return chance.choice(_WORDS) if chance.random() < wild else chance.choice(("app", "sh", "-c"))
