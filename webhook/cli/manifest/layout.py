"""Where lines, columns and dashes are in a text, and where what a node says ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from webhook.cli.manifest.nodes import Mapping, Node, Scalar, Sequence

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ ]+)+$")
_KEEP = re.compile(r"[|>][0-9]?\+")  # the header of a block whose line breaks all count


@dataclass(frozen=True, slots=True)
class Layout:
    """A text as lines and columns; places are indexes into the text."""

    text: str

    def line(self, at: int) -> int:
        """Give the start of a line."""
        return self.text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """Give the end of a line, in front of its line break."""
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        return end - 1 if self.text[end - 1 : end] == "\r" else end

    def column(self, at: int) -> int:
        """Give how far from its line's start a place is."""
        return at - self.line(at)

    def key_column(self, node: Mapping) -> int:
        """Give how far in a block mapping's keys stand, those with a `?` in front as well."""
        explicit = self.text[node.start : node.start + 1] == "?"
        return self.column(node.start if explicit else self._key(node.entries[0].key))

    def _key(self, key: Node) -> int:
        return self.before_properties(key.start)

    def indent(self, at: int) -> str:
        """Give the white space that a line begins with."""
        line = self.text[self.line(at) : at]
        return line[: len(line) - len(line.lstrip())]

    def before_properties(self, at: int) -> int:
        """Step back over an anchor or a tag in front of a node on the same line."""
        found = _PROPERTIES.search(self.text[self.line(at) : at])
        return at - len(found[0]) if found else at

    def dash(self, at: int) -> int:
        """Find the dash of a block list's item from where the item's content is."""
        while at > 0:
            line = self.line(at)
            found = self.text.rfind("-", line, at)
            while found > line and not self._is_dash(line, found):
                found = self.text.rfind("-", line, found)
            if found >= line and self._is_dash(line, found):
                return found
            at = line - 1
        return 0

    def _is_dash(self, line: int, at: int) -> bool:
        """Tell whether only white space and other dashes stand in front of this one."""
        return self.text[at + 1].isspace() and not self.text[line:at].strip(" -")

    def dash_offsets(self, node: Node) -> Iterator[int]:
        """Give how far the dashes of each block list stand behind the list's key."""
        if isinstance(node, Mapping) and not node.flow:
            for entry in node.entries:
                value = entry.value
                if isinstance(value, Sequence) and not value.flow and value.items:
                    dash = self.dash(value.items[0].start)
                    yield self.column(dash) - self.column(entry.key.start)
                yield from self.dash_offsets(value)
        elif isinstance(node, Sequence):
            for item in node.items:
                yield from self.dash_offsets(item)

    def content_end(self, node: Node) -> int:
        """Give where the last thing that a node says ends, in the text."""
        return min(self._content_end(node), len(self.text))  # a last line break may be missing

    def _content_end(self, node: Node) -> int:
        match node:
            case Mapping(flow=False, entries=[*_, last]):
                return max(self._content_end(last.key), self._content_end(last.value))
            case Sequence(flow=False, items=[*_, last]):
                return self._content_end(last)
            case Scalar(start=start, end=end) if not _KEEP.match(self.text, start, end):
                return start + len(self.text[start:end].rstrip())
        return node.end
