"""The API server of an attack, in a process of its own: nobody's work there is the attacker's.

It prints its URL, and sets an object for each line on stdin: a JSON list of its path and itself.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fakes.api_server import ApiServer, serving

_ROOT = Path(__file__).parents[2]


class Cluster:
    """An API server that runs."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.cluster"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._popen.stdout
        self.url = self._popen.stdout.readline().strip()

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Set an object; it is there when this returns."""
        assert self._popen.stdin
        assert self._popen.stdout
        self._popen.stdin.write(f"{json.dumps([path, body])}\n")
        self._popen.stdin.flush()
        self._popen.stdout.readline()

    def end(self) -> None:
        """End it."""
        self._popen.kill()
        self._popen.communicate()


def main() -> None:
    """Serve until stdin ends."""
    api = ApiServer()
    with serving(api) as url:
        print(url, flush=True)
        for line in sys.stdin:
            api.put(*json.loads(line))
            print(flush=True)


if __name__ == "__main__":
    main()
