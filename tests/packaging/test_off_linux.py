"""pip on macOS finds no wheel, and builds one from the source: the command line, no reaper."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BUILD = """\
import sys

sys.platform = "darwin"
from hatchling.builders.wheel import WheelBuilder

[built] = WheelBuilder(".").build(directory=sys.argv[1])
print(built)
"""


def test_a_wheel_that_is_built_off_linux_is_the_command_line_alone(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-c", _BUILD, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    ).stdout.strip()  # fmt: skip
    assert built.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(built) as wheel:
        names = wheel.namelist()
        [listed] = [each for each in names if each.endswith("entry_points.txt")]
        scripts = wheel.read(listed).decode()
    assert "webhook/cli/main.py" in names
    assert "initshim = " in scripts
    assert "kubectl-initshim = " in scripts
    assert [each for each in names if "/bin/" in each or each.endswith("/initshim-init")] == []
