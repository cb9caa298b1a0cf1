"""docs/audit.md and README.md show what the command prints of a real API server, today."""

import os
import sys
from pathlib import Path

import pytest

from tests.integration.controlplane import assets
from tests.integration.controlplane.audit_sample import PAGES, places, sample, shown
from tests.integration.controlplane.plane import control_plane


def test_the_pages_show_what_audit_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If not: python -m tests.integration.controlplane.audit_sample."""
    newest = assets.names()[0]
    try:
        assets.find(newest)
    except assets.Missing as missing:
        pytest.skip(str(missing))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    with control_plane(newest, tmp_path) as plane:
        printed = sample(plane)
    on_pages = {name: text for page in PAGES for name, text in places(page.read_text()).items()}
    assert on_pages.keys() == {"pods", "whatif", "reaped", "table"}
    assert on_pages == {name: shown(name, printed) for name in on_pages}
