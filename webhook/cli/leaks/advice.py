"""What initshim would change for what was found: one sentence a finding. No I/O."""

from webhook.cli.leaks.findings import Cause, Deaf, Findings, Leak
from webhook.cli.leaks.pods import WRAPPED
from webhook.cli.output import counted


def mended(leak: Leak, forecast: str) -> bool:
    """Tell whether the reaper would wait for these zombies. `forecast`: "wrapped" or a reason."""
    return leak.cause is Cause.PID_1 and not leak.wrapped and forecast == WRAPPED


def of_leak(leak: Leak, forecast: str) -> str:
    """Say whether initshim mends a leak, and why where it does not."""
    who = leak.parents[0] if leak.parents else "their parent"
    if leak.cause is Cause.LATE:
        return "no leak: they are waited for, only late"
    if leak.cause is Cause.PARENT:
        return f"not mended by any init: {who} starts them, lives on and does not wait"
    if leak.wrapped:
        return f"not mended: {who} is PID 1 behind the reaper; report this"
    if forecast != WRAPPED:
        return f"left alone by initshim: {forecast}"
    return "mended by initshim"


def of_deaf(deaf: Deaf, forecast: str) -> str:
    """Say what initshim changes for a PID 1 that does not handle SIGTERM."""
    if deaf.ignored:
        return "it ignores SIGTERM on purpose: an init changes nothing"
    if forecast != WRAPPED:
        return f"left alone by initshim: {forecast}"
    return "behind initshim SIGTERM ends it at once"


def summary(found: Findings) -> list[str]:
    """Sum up, a sentence a line."""
    leaking = [each for each in found.leaks if each.cause is not Cause.LATE]
    seen = f"{counted(found.zombies, 'zombie')} in {counted(found.containers, 'container')}"
    deaf = f"{counted(len(found.deaf), 'program')} deaf to SIGTERM"
    lines = [f"{seen}, watched for {found.seconds:g} s; {counted(len(leaking), 'leak')}, {deaf}."]
    if found.unknown:
        lines.append(
            f"{counted(found.unknown, 'zombie')} in containers of pods that were not listed: of"
            " other namespaces, or gone by then."
        )
    if found.elsewhere:
        lines.append(f"{counted(found.elsewhere, 'zombie')} of the nodes' own services.")
    return lines
