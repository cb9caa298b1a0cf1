"""`python -m initshim [options] -- PROGRAM`: become the reaper."""

import os
import sys

from initshim import path


def main() -> None:
    """Replace this Python with the reaper for this machine; argv goes along."""
    try:
        binary = path()
    except (FileNotFoundError, LookupError) as error:
        sys.exit(f"initshim: {error}")
    os.execv(binary, ["initshim", *sys.argv[1:]])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
