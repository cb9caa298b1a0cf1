"""Draw the pages' pictures from the texts beside them: run `python docs/draw.py`.

A text's first line is the picture's title. Then either lanes and what passes between them:

    lanes: kubelet | reaper, PID 1 | your program
    kubelet -> reaper: SIGTERM          an arrow; --> is dashed, for an answer
    reaper: waits                       a note in a lane

or cards side by side, each begun by `card: TITLE`, with a line of text a line:

    [ and ]     begin and end a box; [+ begins a new one
    + ! ~ =     before a line: new, bad, less important, a heading
    {+words+}   new words within a line

A picture carries the colours for light and dark; which one is shown is the reader's preference.
"""  # noqa: INP001  # a script

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent / "pictures"
_MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_SIZE, _CHAR, _LINE, _PAD = 14, 8.45, 21, 14
_STYLE = """\
  <style>
    .page { fill: #ffffff } .box { fill: #f6f8fa; stroke: #d0d7de }
    .new { fill: #ddf4ff; stroke: #54aeff } .text { fill: #1f2328 } .soft { fill: #59636e }
    .blue { fill: #0550ae } .red { fill: #a04100 } .tip { fill: #59636e }
    .head { fill: #1f2328; font-family: system-ui, sans-serif; font-weight: 600 }
    .line { stroke: #59636e; fill: none } .lane { stroke: #d0d7de }
    @media (prefers-color-scheme: dark) {
      .page { fill: #151b23 } .box { fill: #212830; stroke: #3d444d }
      .new { fill: #0c2d6b; stroke: #388bfd } .text { fill: #f0f6fc } .soft { fill: #9da7b1 }
      .blue { fill: #a5d6ff } .red { fill: #ffa657 } .tip { fill: #9da7b1 }
      .head { fill: #f0f6fc } .line { stroke: #9da7b1 } .lane { stroke: #3d444d }
    }
  </style>
"""
_ARROW = re.compile(r"(.+?) (--?>) (.+?): (.+)")
_MARKS = {"+": "blue", "!": "red", "~": "soft", "=": "head"}


def picture(text: str) -> str:
    """Give the SVG of a text; raises ValueError that names a line that says nothing."""
    title, *lines = text.strip().splitlines()
    draw = _lanes if lines[0].startswith("lanes: ") else _cards
    width, height, parts = draw(lines)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="{_MONO}" font-size="{_SIZE}">\n  <title>{escape(title)}</title>\n'
    )
    page = f'  <rect class="page" width="{width:g}" height="{height:g}" rx="8"/>\n'
    return head + _STYLE + page + "".join(f"  {part}\n" for part in parts) + "</svg>\n"


def _lanes(lines: Sequence[str]) -> tuple[float, float, list[str]]:
    names = [name.strip() for name in lines[0].removeprefix("lanes: ").split("|")]
    width = 960.0
    step = width / len(names)
    middle = {name: step * (index + 0.5) for index, name in enumerate(names)}
    top, y = 54.0, 54.0
    parts: list[str] = []
    for line in lines[1:]:
        y += 34
        parts += _message(line, middle, y, step)
    height = y + 30
    heads: list[str] = []
    for name, x in middle.items():
        heads.append(f'<path class="lane" d="M{x:g} {top:g} V{height - 14:g}"/>')
        heads.append(_rect("box", x - step * 0.44, 14, step * 0.88, 34))
        heads.append(_text("head", x, 36, name, anchor="middle"))
    return width, height, heads + parts


def _message(line: str, middle: dict[str, float], y: float, step: float) -> Iterator[str]:
    arrow = _ARROW.fullmatch(line)
    if arrow:
        start, end = _lane(arrow[1], middle, line), _lane(arrow[3], middle, line)
        sign = 1 if end > start else -1
        dash = ' stroke-dasharray="5 4"' if arrow[2] == "-->" else ""
        yield f'<path class="line" d="M{start:g} {y:g} H{end - sign * 7:g}"{dash}/>'
        yield f'<path class="tip" d="M{end:g} {y:g} l{-sign * 9} -5 v10 z"/>'
        yield from _label((start + end) / 2, y - 7, arrow[4])
        return
    name, colon, said = line.partition(": ")
    if not colon:
        raise ValueError(f"{line!r} is no arrow and no note")
    x = _lane(name, middle, line)
    wide = max(len(said) * _CHAR + 20, step * 0.5)
    left = min(max(x - wide / 2, 6), 954 - wide)
    yield _rect("new", left, y - 17, wide, 27)
    yield _text("blue", left + wide / 2, y + 1.5, said, anchor="middle")


def _label(x: float, y: float, said: str) -> Iterator[str]:
    wide = len(said) * _CHAR + 6
    x = min(max(x, wide / 2 + 8), 952 - wide / 2)
    size = f'x="{x - wide / 2:g}" y="{y - 13:g}" width="{wide:g}" height="14"'
    yield f'<rect class="page" {size}/>'
    yield _text("text", x, y, said, anchor="middle")


def _lane(name: str, middle: dict[str, float], line: str) -> float:
    found = [x for lane, x in middle.items() if lane.split(",")[0] == name.strip()]
    if len(found) != 1:
        raise ValueError(f"no lane is called {name!r} in {line!r}")
    return found[0]


def _cards(lines: Sequence[str]) -> tuple[float, float, list[str]]:
    cards: list[list[str]] = []
    for line in lines:
        if line.startswith("card: "):
            cards.append([])
        cards[-1].append(line)
    x, tallest = 10.0, 0.0
    parts: list[str] = []
    for index, card in enumerate(cards):
        wide = max(len(_plain(line)) for line in card[1:]) * _CHAR + 4 * _PAD
        drawn, tall = _card(card, x, wide)
        parts += drawn
        tallest = max(tallest, tall)
        x += wide
        if index + 1 < len(cards):
            parts.append(f'<path class="line" d="M{x + 8:g} 130 h24 m-7 -6 l7 6 l-7 6"/>')
            x += 42
    return x + 10, tallest + 10, parts


def _card(card: Sequence[str], x: float, wide: float) -> tuple[list[str], float]:
    parts = [_text("head", x + _PAD, 34, card[0].removeprefix("card: "))]
    y, box = 44.0, 0.0
    for line in card[1:]:
        if line.startswith("["):
            kind, box = ("new" if line == "[+" else "box"), y
            place = len(parts)
            y += 8
        elif line == "]":
            y += 8
            parts.insert(place, _rect(kind, x + 6, box, wide - 12, y - box))
            y += 8
        else:
            y += _LINE
            parts.append(_styled(line, x + _PAD + 4, y - 5))
    return parts, y


def _styled(line: str, x: float, y: float) -> str:
    kind = _MARKS.get(line[:1], "text") if line[1:2] == " " else "text"
    inner = escape(_plain(line, keep=True))
    inner = re.sub(r"\{\+(.*?)\+\}", r'<tspan class="blue">\1</tspan>', inner)
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" xml:space="preserve">{inner}</text>'


def _plain(line: str, *, keep: bool = False) -> str:
    text = line[2:] if line[:1] in _MARKS and line[1:2] == " " else line
    return text if keep else text.replace("{+", "").replace("+}", "")


def _rect(kind: str, x: float, y: float, wide: float, tall: float) -> str:
    size = f'x="{x:g}" y="{y:g}" width="{wide:g}" height="{tall:g}"'
    return f'<rect class="{kind}" {size} rx="6"/>'


def _text(kind: str, x: float, y: float, said: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(said)}</text>'


def main() -> int:
    """Draw every picture; with --check draw none, and name those that are stale."""
    stale = []
    for source in sorted(FOLDER.glob("*.txt")):
        target, drawn = source.with_suffix(".svg"), picture(source.read_text())
        if "--check" not in sys.argv:
            target.write_text(drawn)
        elif not target.exists() or target.read_text() != drawn:
            stale.append(target.name)
    print("".join(f"stale: {name}\n" for name in stale), end="")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
