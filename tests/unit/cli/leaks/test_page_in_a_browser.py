"""The page for a colleague, in Debian's Chromium: by day and by night, on a desk and on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.browser import CHROMIUM, launched
from webhook.cli.leaks.page import page as page_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]
pytest.importorskip("playwright.sync_api", reason="needs pip install -e '.[browser]'")
axe = pytest.importorskip("axe_playwright_python.base")

_FINDINGS = """async () => (await axe.run({resultTypes: ["violations"]})).violations.map(each =>
  `${each.id}: ${each.nodes.slice(0, 3).map(node => node.html.slice(0, 90))}`
)"""
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# How high a letter of the picture is drawn: a picture that shrinks with the page can't be read.
_LETTERS = """[...document.querySelectorAll("svg text")].map(
  each => each.getBoundingClientRect().height)"""


def data(*, leaks: int) -> dict[str, Any]:
    """Findings with long names, and with some that try to be markup."""
    causes = ("pid-1", "parent", "late")
    workload = {"namespace": "a-long-namespace", "kind": "StatefulSet", "name": "n" * 60}
    room = {"of": "node", "name": "n1", "tasks": 30_000, "limit": 32_768, "hours": 0.2}
    found = [
        {
            "workload": workload, "container": "app", "cause": causes[at % 3], "pods": 1234,
            "zombies": 98_765 // (at + 1), "hourly": 1e5, "room": room if at % 2 else None,
            "commands": {"<script>alert(1)</script>": 3, "sh": 2, "a": 1, "b": 1},
            "mended": at % 3 == 0, "verdict": "mended by initshim",
        }
        for at in range(leaks)
    ]  # fmt: skip
    deaf = {"workload": workload, "container": "app", "pods": 2, "program": "<b>", "grace": 30}
    return {
        "leaks": found,
        "deaf": [{**deaf, "verdict": "behind initshim SIGTERM ends it at once"}] * (leaks > 0),
        "summary": ["1,234 zombies in 2 containers, watched for 30 s"],
        "problems": ["node <n1>: it is not ready"] * (leaks > 0),
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.mark.parametrize("leaks", [0, 1, 30])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_can_be_read_by_everybody_and_asks_for_nothing(
    browser: Any, tmp_path: Path, scheme: str, leaks: int
) -> None:
    file = tmp_path / "leaks.html"
    file.write_text(page_of(data(leaks=leaks)))
    context = browser.new_context(color_scheme=scheme)
    context.add_init_script(axe.AXE_SCRIPT)
    opened = context.new_page()
    said: list[str] = []
    opened.on("request", lambda asked: said.append(asked.url))
    opened.on("console", lambda told: said.append(told.text))
    opened.on("dialog", lambda asked: said.append(asked.message))
    opened.goto(file.as_uri())
    assert said == [file.as_uri()]
    for width in (1280, 390):
        opened.set_viewport_size({"width": width, "height": 900})
        assert opened.evaluate(_TOO_WIDE) <= 0
        assert opened.evaluate(_FINDINGS) == []
        letters = opened.evaluate(_LETTERS)
        assert all(height > 12 for height in letters)
        assert bool(letters) == bool(leaks)
    context.close()
