"""From what was asked to the answer: an audit, a forecast, or the reapers' counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import initshim
from webhook.admission.admit import Engine, Resolver
from webhook.assembly.engine import make_engine
from webhook.assembly.resolver import open_resolver
from webhook.cli import output
from webhook.cli.audit import grants, print_audit, print_forecast, print_reaped, reaped, what_if
from webhook.cli.audit.list_pods import Auditor, Findings
from webhook.cli.audit.progress import bar
from webhook.cli.audit.restart import offer
from webhook.cli.audit.shared_lookups import SharedLookups
from webhook.cli.audit.summary import states, tallies
from webhook.cli.installation import selection
from webhook.cli.installation import settings as installed_settings
from webhook.cli.installation.selection import OptedIn, Selection
from webhook.cli.installation.settings import Deployed
from webhook.cli.output import Form
from webhook.core.annotations import INJECT
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
    form: Form = Form.TEXT
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
            seen = await selection.read(client)
            rules = await installed_settings.read(
                client, seen, lookup=request.lookup and not request.reaped
            )
            if request.what_if:
                return await _forecast(client, seen, rules, request, request.what_if)
            places = await selection.places(client, seen, request.namespaces)
            _check(places, request)
            findings = await _findings(client, seen, rules, places)
            if request.reaped:
                return await _reaped(connection, findings, request)
            return await _audit(client, findings, (*seen.notes, *rules.notes), request)
        except KubeError as error:
            raise await grants.explain(client, error) from error


def _check(places: Sequence[OptedIn], request: Request) -> None:
    """Raise Missing for a namespace that was named and is not opted in."""
    opted_in = {each.name for each in places}
    for name in request.namespaces:
        if name not in opted_in:
            raise Missing(
                f"The namespace {name} is not opted in, so none of its pods is missed.",
                next_step=f"initshim audit --what-if {name} shows what `kubectl label namespace "
                f"{name} {INJECT}=enabled` would do.",
            )


async def _findings(
    client: KubeClient, seen: Selection, rules: Deployed, places: Sequence[OptedIn]
) -> Findings:
    with bar() as drawn:
        async with open_resolver(rules.settings, client, Silent()) as resolver:
            once = SharedLookups(resolver, seconds=rules.settings.lookup_seconds)
            return await Auditor(client, seen, rules.rules, once, drawn).audit(places)


async def _audit(
    client: KubeClient, findings: Findings, notes: Sequence[str], request: Request
) -> int:
    print_audit.show(findings, notes, request.form)
    _say(notes)
    problems = [await grants.explain(client, each) for each in findings.problems]
    output.complain("audit", problems[:1])
    output.complain("audit", [type(each)(str(each)) for each in problems[1:]])
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
    print_reaped.show(counts, request.form)
    output.complain("audit", findings.problems)
    nobody = bool(counts) and all(each.problem for each in counts)
    return PARTLY if findings.problems or nobody else DONE


async def _forecast(
    client: KubeClient, seen: Selection, rules: Deployed, request: Request, namespace: str
) -> int:
    settings = rules.settings
    with bar() as drawn:
        async with open_resolver(settings, client, Silent()) as resolver:
            told = await what_if.forecast(
                client,
                seen,
                _engine(rules, resolver),
                namespace,
                seconds=settings.lookup_seconds,
                bar=drawn,
            )
    print_forecast.show(told, request.form)
    _say((*seen.notes, *rules.notes))
    output.complain("audit", [await grants.explain(client, each) for each in told.problems[:1]])
    output.complain("audit", told.problems[1:])
    return PARTLY if told.problems else DONE


def _engine(rules: Deployed, resolver: Resolver) -> Engine:
    """Give the engine of the webhook that runs in the cluster."""
    made = make_engine(
        rules.settings, version=initshim.__version__, resolver=resolver, observer=Silent()
    )
    return replace(made, rules=rules.rules)


def _say(notes: Sequence[str]) -> None:
    console = output.stderr()
    for note in notes:
        console.print(f"initshim audit: {note}", markup=False)
