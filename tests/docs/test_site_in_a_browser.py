"""The site as readers see it: on a desk and on a phone, by day and by night, or hear it.

Chromium is Debian's (`apt-get install chromium`); where it is missing, nothing is shown here.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.blocks import ROOT
from tests.docs.browser import CHROMIUM, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install -e '.[browser]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytest.importorskip("zensical", reason="needs pip install -e '.[docs]'")

VIEWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
# What people look for, and the page that has it.
QUESTIONS = {
    "uninstall": "remove.html",
    "remove initshim": "remove.html",
    "roll back": "roll-back.html",
    "downgrade": "roll-back.html",
    "CrashLoopBackOff": "crashloopbackoff.html",
    "exit code 127": "crashloopbackoff.html",
    "zombie": "faq.html",
    "leaks": "leaks.html",
    "what-if": "audit.html",
    "missed pods": "audit.html",
    "imagePullSecrets": "registries.html",
    "mirror": "registries.html",
    "GKE private cluster": "platforms.html",
    "OpenShift": "platforms.html",
    "failurePolicy": "chart.html",
    "certificate": "doctor.html",
    "tini": "migration.html",
    "shareProcessNamespace": "comparison.html",
    "Argo CD": "gitops.html",
    "Terraform": "gitops.html",
    "Prometheus": "metrics.html",
    "helm template": "inject.html",
}
_OVERFLOWING = """() => {
  const page = document.documentElement, edge = page.clientWidth + 1;
  const beyond = [...document.querySelectorAll("table, .language-sh pre, img")].filter(each => {
    if (each.tagName === "PRE") return each.scrollWidth > each.clientWidth + 1;
    const scrolls = each.closest(".md-typeset__scrollwrap");
    return (scrolls && innerWidth < 500 ? scrolls : each).getBoundingClientRect().right > edge;
  });
  return [page.scrollWidth - page.clientWidth, ...beyond.map(each => each.innerText.slice(0, 60))];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """Give where the site is served, and its pages."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "docs/publish.py", "--site", str(folder / "s")]
    subprocess.run([*command, "--pages", str(folder / "p")], cwd=ROOT, check=True)
    pages = [page.relative_to(folder / "s").as_posix() for page in (folder / "s").rglob("*.html")]
    with served(folder / "s") as url:
        yield url, sorted(pages)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_a_page_is_quiet_fits_and_is_for_everybody(
    site: tuple[str, list[str]], browser: Any, width: int, scheme: str
) -> None:
    """No error on the console, no request elsewhere, nothing beyond the edge, no finding of axe."""
    url, pages = site
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    wrong: list[str] = []

    def on_console(said: Any) -> None:
        if said.type == "error":
            wrong.append(f"console: {said.text}")

    def on_request(asked: Any) -> None:
        if not asked.url.startswith(url):
            wrong.append(asked.url)

    page.on("console", on_console)
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("request", on_request)
    for name in pages:
        page.goto(f"{url}/{name}")
        beyond, *wide = page.evaluate(_OVERFLOWING)
        wrong += [f"{name}: overflow: {each}" for each in wide]
        wrong += [f"{name}: the page is {beyond} px too wide"] if beyond > 0 else []
        for found in axe.Axe().run(page).response["violations"]:
            nodes = [node["html"][:90] for node in found["nodes"]][:3]
            wrong.append(f"{name}: {found['id']} ({len(found['nodes'])}): {nodes}")
    context.close()
    assert wrong == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_search_finds_the_answer(
    site: tuple[str, list[str]], browser: Any, question: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site[0]}/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type(question)
    answer = page.locator(f'a[href*="{QUESTIONS[question]}"]:visible >> nth=0')
    answer.wait_for(timeout=30_000)
    page.close()


def test_without_scripts_the_pages_are_there(site: tuple[str, list[str]], browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site[0]}/faq.html")
    assert page.locator("article h1").inner_text()
    context.close()
