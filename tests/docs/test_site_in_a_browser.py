"""The site as readers see it: on a desk and on a phone, by day and by night, or hear it.

Chromium is Debian's (`apt-get install chromium`); where it is missing, nothing is shown here.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.blocks import ROOT
from tests.docs.browser import CHROMIUM, launched, served

# One site and one browser, so one worker.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]
pytest.importorskip("playwright.sync_api", reason="needs pip install -e '.[browser]'")
axe = pytest.importorskip("axe_playwright_python.base")
pytest.importorskip("zensical", reason="needs pip install -e '.[docs]'")

WIDTHS = (1280, 390)
PATIENCE = 180_000  # milliseconds: a busy machine, and Playwright's own half a minute is not enough
# What depends on the scheme; everything else is looked at in one of them.
SCHEMES: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
}
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
# On a phone what a terminal printed, a wide table and a picture scroll, each in a box of its own.
_OVERFLOWING = """() => {
  const page = document.documentElement, edge = page.clientWidth + 1, phone = innerWidth < 500;
  const samples = [...document.querySelectorAll(phone ? ".language-sh code" : ".highlight code")];
  const cut = samples.filter(each => each.scrollWidth > each.clientWidth + 1);
  const beyond = [...document.querySelectorAll("table, img")].filter(each => {
    const scrolls = phone && (each.closest(".md-typeset__scrollwrap") || each.closest("p"));
    return (scrolls || each).getBoundingClientRect().right > edge;
  });
  const tiny = [...document.querySelectorAll("article img[src$='.svg']")].filter(each =>
    each.clientWidth / each.naturalWidth < 0.6);
  return [
    page.scrollWidth - page.clientWidth,
    ...[...cut, ...beyond].map(each => each.innerText.slice(0, 60)),
    ...tiny.map(each => `too small to read: ${each.src}`),
  ];
}"""
_AXE = """async options => (await axe.run(options)).violations.map(each =>
  `${each.id} (${each.nodes.length}): ${each.nodes.slice(0, 3).map(node => node.html.slice(0, 90))}`
)"""


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
    with launched() as chromium:
        yield chromium


@pytest.fixture
def page(site: tuple[str, list[str]], browser: Any) -> Iterator[Any]:
    """Give a page that notes in `said` what it should not have said or asked for."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    context.add_init_script(axe.AXE_SCRIPT)
    page = context.new_page()
    page.said = []

    def on_console(said: Any) -> None:
        if said.type == "error":
            page.said.append(f"console: {said.text}")

    def on_request(asked: Any) -> None:
        if not asked.url.startswith(site[0]):
            page.said.append(asked.url)

    page.on("console", on_console)
    page.on("pageerror", lambda error: page.said.append(f"error: {error}"))
    page.on("request", on_request)
    yield page
    context.close()


@pytest.mark.timeout(1800)  # some sixty pages, and axe takes a second of a quiet machine for one
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_page_is_quiet_fits_and_is_for_everybody(
    site: tuple[str, list[str]], page: Any, width: int, scheme: str
) -> None:
    """No error on the console, no request elsewhere, nothing beyond the edge, no finding of axe."""
    url, names = site
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    wrong: list[str] = []
    for name in names:
        page.goto(f"{url}/{name}")
        found = [*overflowing(page), *of_axe(page, SCHEMES[scheme])]
        wrong += [f"{name}: {each}" for each in found]
    assert wrong + page.said == []


def overflowing(page: Any) -> list[str]:
    """Name what reaches beyond the page's edge."""
    beyond, *wide = page.evaluate(_OVERFLOWING)
    return [f"overflow: {each}" for each in wide] + (
        [f"the page is {beyond} px too wide"] if beyond > 0 else []
    )


def of_axe(page: Any, options: dict[str, Any]) -> list[str]:
    """Say what axe finds."""
    found: list[str] = page.evaluate(_AXE, {"resultTypes": ["violations"], **options})
    return found


def test_what_these_tests_look_for_is_found(site: tuple[str, list[str]], page: Any) -> None:
    """A test that sees nothing would pass, too: so here is something to see."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{site[0]}/index.html")
    page.evaluate(
        """() => {
          const text = document.querySelector("article p");
          text.style.color = "#ddd"; text.style.background = "#fff";
          text.insertAdjacentHTML("afterend", "<img src='https://elsewhere.invalid/x'>"
            + "<div style='width: 2000px'>wide</div>"
            + "<div class='language-sh'><code style='display: block; overflow: auto; width: 9px'>"
            + "cut_here</code></div>");
          document.querySelector("article img[src$='.svg']").style = "width: 50px; min-width: 0";
          console.error("loud");
        }"""
    )
    page.wait_for_function("document.images.length && [...document.images].every(i => i.complete)")
    found = " ".join([*overflowing(page), *of_axe(page, {}), *page.said])
    assert page.locator(".language-sh code").count() > 1
    seen = ("too wide", "color-contrast", "image-alt", "elsewhere.invalid", "loud", "cut_here")
    for expected in (*seen, "too small to read"):
        assert expected in found


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_search_finds_the_answer(
    site: tuple[str, list[str]], browser: Any, question: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site[0]}/index.html", timeout=PATIENCE)
    page.keyboard.press("Control+k")
    page.keyboard.type(question)
    answer = page.locator(f'a[href*="{QUESTIONS[question]}"]:visible >> nth=0')
    answer.wait_for(timeout=PATIENCE)
    page.close()


def test_without_scripts_the_pages_are_there(site: tuple[str, list[str]], browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site[0]}/faq.html")
    assert page.locator("article h1").inner_text()
    context.close()
