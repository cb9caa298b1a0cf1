"""Store what kubectl reads in the cases, or compare generated manifests for some seconds."""

import argparse
import collections
import json
import random
import tempfile
import time
from pathlib import Path

from tests.kubectl.cases import CASES
from tests.kubectl.compare import LAWFUL, compare
from tests.kubectl.decoder import NEWEST, Decoder, decoder
from tests.kubectl.styles import manifest

ANSWERS = Path(__file__).with_name("answers.json")


def main() -> None:
    """Read the options and do it."""
    options = argparse.ArgumentParser(prog="python -m tests.kubectl", description=__doc__)
    options.add_argument("--seconds", type=float, default=0)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, decoder(NEWEST) as kubectl:
        if given.seconds:
            _compare(kubectl, random.Random(given.seed), given.seconds, Path(folder))
            return
        answers = [kubectl.read(each) for each in CASES]
        lines = (json.dumps([each.documents, each.error], ensure_ascii=True) for each in answers)
        ANSWERS.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def _compare(kubectl: Decoder, chance: random.Random, seconds: float, folder: Path) -> None:
    counts: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = manifest(chance).encode()
        found = compare(text, kubectl.read(text), folder / "m.yaml", kubectl)
        counts[found.verdict] += 1
        if found.verdict not in LAWFUL:
            print(found.verdict, found.detail, text.decode(), sep="\n", flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main()
