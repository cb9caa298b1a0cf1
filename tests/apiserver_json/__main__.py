"""Store what the decoders over there read in the cases."""

import json
from pathlib import Path

from tests.apiserver_json.cases import CASES
from tests.kubectl.decoder import NEWEST, decoder

SOURCES = Path(__file__).with_name("go")
ANSWERS = Path(__file__).with_name("answers.json")


def main() -> None:
    """Ask, and write the answers down."""
    with decoder(NEWEST, sources=SOURCES) as there:
        answers = [there.read(each.question) for each in CASES]
    lines = (json.dumps([each.documents, each.error], ensure_ascii=True) for each in answers)
    ANSWERS.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
