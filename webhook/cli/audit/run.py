"""From what was asked to the answer: an audit, a forecast, or the reapers' counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import initshim
from webhook.admission.admit import Engine, Resolver
from webhook.assembly.engine import make_engine
from webhook.assembly.resolver import open_resolver
from webhook.cli import output
from webhook.cli.audit import grants, print_reaped, reaped, what_if
from webhook.cli.audit.basis import Basis, read_basis
from webhook.cli.audit.list_pods import Auditor, Findings
from webhook.cli.audit.print_audit import print_audit
from webhook.cli.audit.print_forecast import print_forecast
from webhook.cli.audit.progress import bar
from webhook.cli.audit.restart import offer
from webhook.cli.audit.shared_lookups import SharedLookups
from webhook.cli.audit.summary import states, tallies
from webhook.cli.installation.selection import OptedIn, opted_in
from webhook.cli.output import OutputFormat
from webhook.core.observe import Silent
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.kube.errors import KubeError, Missing

DONE, PARTLY, FOUND = 0, 1, 3
_LARGEST = 64 << 20  # a page of 250 pods with all their fields
_DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for."""

    namespaces: tuple[str, ...] = ()
    output_format: OutputFormat = OutputFormat.TEXT
    fail_on: frozenset[str] = frozenset()
    restart: bool = False
    yes: bool = False
    what_if: str | None = None
    reaped: bool = False
    lookup: bool = True


async def run(connection: Connection, request: Request) -> int:
    """Answer, and give the exit code. Raises InitshimError."""
    async with KubeClient(connection, largest=_LARGEST, deadline=_DEADLINE) as client:
        try:
            basis = await read_basis(client, lookup=request.lookup and not request.reaped)
            if request.what_if:
                return await _forecast(client, basis, request, request.what_if)
            places = await opted_in(client, basis.selection, request.namespaces)
            _check(places, request)
            findings = await _findings(client, basis, places)
            if request.reaped:
                return await _reaped(connection, findings, request)
            return await _audit(client, findings, basis, request)
        except KubeError as error:
            raise await grants.explain(client, error) from error


def _check(places: Sequence[OptedIn], request: Request) -> None:
    """Raise Missing for a namespace that was named and is not opted in."""
    names = {each.name for each in places}
    for name in request.namespaces:
        if name not in names:
            raise Missing(
                f"The namespace {name} is not opted in, so none of its pods is missed",
                next_step=f"initshim audit --what-if {name} shows what opting it in would do, "
                "and how.",
            )


async def _findings(client: KubeClient, basis: Basis, places: Sequence[OptedIn]) -> Findings:
    with bar() as drawn:
        async with open_resolver(basis.settings, client, Silent()) as resolver:
            lookups = SharedLookups(resolver, seconds=basis.settings.lookup_seconds)
            return await Auditor(client, basis, lookups, drawn).audit(places)


async def _audit(client: KubeClient, findings: Findings, basis: Basis, request: Request) -> int:
    print_audit(findings, basis, request.output_format)
    _say(basis.notes)
    problems = [await grants.explain(client, each) for each in findings.problems]
    output.print_errors("audit", problems[:1])
    output.print_errors("audit", [type(each)(str(each)) for each in problems[1:]])
    counted = tallies(findings.pods)
    restarted = await offer(client, counted, yes=request.yes) if request.restart else True
    if problems or not restarted:
        return PARTLY
    found = {str(state) for state, count in states(counted).items() if count}
    return FOUND if request.fail_on & found else DONE


async def _reaped(connection: Connection, findings: Findings, request: Request) -> int:
    read = print_reaped.reader(connection)
    now = datetime.now(UTC)
    with bar() as drawn:
        counts = await reaped.ask(findings.pods, read, now=now, bar=drawn)
    print_reaped.print_counts(counts, request.output_format)
    output.print_errors("audit", findings.problems)
    nobody = bool(counts) and all(each.problem for each in counts)
    return PARTLY if findings.problems or nobody else DONE


async def _forecast(client: KubeClient, basis: Basis, request: Request, namespace: str) -> int:
    settings = basis.settings
    with bar() as drawn:
        async with open_resolver(settings, client, Silent()) as resolver:
            forecast = await what_if.forecast(
                client,
                basis.selection,
                _engine(basis, resolver),
                namespace,
                seconds=settings.lookup_seconds,
                bar=drawn,
            )
    print_forecast(forecast, request.output_format)
    _say(basis.notes)
    output.print_errors(
        "audit", [await grants.explain(client, each) for each in forecast.problems[:1]]
    )
    output.print_errors("audit", forecast.problems[1:])
    return PARTLY if forecast.problems else DONE


def _engine(basis: Basis, resolver: Resolver) -> Engine:
    """Give the engine of the webhook that runs in the cluster."""
    made = make_engine(
        basis.settings, version=initshim.__version__, resolver=resolver, observer=Silent()
    )
    return replace(made, rules=basis.rules)


def _say(notes: Sequence[str]) -> None:
    console = output.stderr()
    for note in notes:
        console.print(f"initshim audit: {note}", markup=False)
