"""Where kubectl divides a stream of YAML into documents: at lines that begin with `---`.

It does so before anything is parsed (YAMLReader in k8s.io/apimachinery/pkg/util/yaml/decoder.go),
and parses each part alone.
"""

import re
from collections.abc import Iterator

from webhook.cli.manifest.nodes import Misplaced

_SEPARATOR = re.compile(r"^---([^\n]*)(?:\n|\Z)", re.MULTILINE)


def parts(text: str) -> Iterator[tuple[int, int]]:
    """Give where each document begins and ends. Raises Misplaced for a line kubectl refuses.

    A separator at the beginning of a part belongs to it, one behind a part to none.
    """
    begin = number = 0
    for found in _SEPARATOR.finditer(text):
        behind = found[1].strip()
        if behind and not behind.startswith("#"):
            message = f"kubectl takes only a comment behind ---, not {behind[:40]!r}"
            raise Misplaced(message, found.start(), number + 1)
        if found.start() > begin:
            number += 1
            yield begin, found.start()
            begin = found.end()
    if begin < len(text):
        yield begin, len(text)
