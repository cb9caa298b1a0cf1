"""Build hook: puts the reaper for this machine into the wheel, or for INITSHIM_TARGET.

It is static, so one wheel serves every distribution: glibc's and musl's alike, whatever Python.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ReaperHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the reaper before hatchling collects the wheel's files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """On Linux add the executable: beside the package, and on PATH as `initshim-init`."""
        if self.target_name != "wheel" or sys.platform != "linux":
            return
        sys.path.insert(0, self.root)
        from initshim import build, targets  # noqa: PLC0415 - found only now

        chosen = os.environ.get("INITSHIM_TARGET")
        target = targets.TARGETS[chosen] if chosen else targets.this_machine()
        binary = build.build(target, Path(self.root, "initshim", "bin"))
        if version != "editable":  # an editable install looks into the checkout, where it lies
            build_data["force_include"][str(binary)] = f"initshim/bin/{target.file}"
        build_data["shared_scripts"][str(binary)] = "initshim-init"
        build_data["pure_python"] = False
        build_data["tag"] = (
            f"py3-none-manylinux_2_17_{target.machine}.musllinux_1_1_{target.machine}"
        )
