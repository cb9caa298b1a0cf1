"""The `initshim` command."""

import sys
from pathlib import Path


def start() -> None:
    """Run the command line; say what to install where its libraries are missing."""
    # kubectl finds a plugin as kubectl-NAME on the PATH and runs it for `kubectl NAME`.
    name = Path(sys.argv[0]).name
    # httpx would import a command line of its own, with rich and pygments: 3 MB, never called.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    try:
        from webhook.cli.main import app  # noqa: PLC0415  # the reaper alone comes without them

        app(prog_name="kubectl initshim" if name.startswith("kubectl-") else "initshim")
    except ModuleNotFoundError as error:
        sys.exit(
            f"initshim: the module {error.name} is missing: pip install 'initshim[cli]'\n"
            "(the reaper alone needs nothing: python -m initshim -- PROGRAM)"
        )
