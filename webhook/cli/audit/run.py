"""From what was asked to the answer: an audit, a forecast, or the reapers' counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import initshim
from webhook.admission.admit import Engine, Resolver
from webhook.assembly.engine import make_engine
from webhook.assembly.resolver import open_resolver
from webhook.cli import output
from webhook.cli.audit import deployed, forecast, leaks, reaped, report, rights, scope, what_if
from webhook.cli.audit.collect import Auditor, Findings
from webhook.cli.audit.deployed import Deployed
from webhook.cli.audit.lookups import Once
from webhook.cli.audit.progress import bar
from webhook.cli.audit.restart import offer
from webhook.cli.audit.scope import Place, Scope
from webhook.cli.audit.summary import states, tallies
from webhook.cli.output import Form
from webhook.core.annotations import INJECT
from webhook.core.observe import Silent
from webhook.kube.client import Client
from webhook.kube.connect import Connection
from webhook.kube.errors import KubeError, Missing

DONE, PARTLY, FOUND = 0, 1, 3
_LARGEST = 64 << 20  # a page of 250 pods with all their fields
_DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for."""

    namespaces: tuple[str, ...] = ()
    form: Form = Form.TEXT
    fail_on: frozenset[str] = frozenset()
    restart: bool = False
    yes: bool = False
    what_if: str | None = None
    reaped: bool = False
    lookup: bool = True


async def answer(connection: Connection, wishes: Wishes) -> int:
    """Answer, and give the exit code. Raises InitshimError."""
    async with Client(connection, largest=_LARGEST, deadline=_DEADLINE) as client:
        try:
            seen = await scope.read(client)
            rules = await deployed.read(client, seen, lookup=wishes.lookup and not wishes.reaped)
            if wishes.what_if:
                return await _forecast(client, seen, rules, wishes, wishes.what_if)
            places = await scope.places(client, seen, wishes.namespaces)
            _check(places, wishes)
            findings = await _findings(client, seen, rules, places)
            if wishes.reaped:
                return await _reaped(connection, findings, wishes)
            return await _audit(client, findings, (*seen.notes, *rules.notes), wishes)
        except KubeError as error:
            raise await rights.explain(client, error) from error


def _check(places: Sequence[Place], wishes: Wishes) -> None:
    """Raise Missing for a namespace that was named and is not opted in."""
    opted_in = {each.name for each in places}
    for name in wishes.namespaces:
        if name not in opted_in:
            raise Missing(
                f"The namespace {name} is not opted in, so none of its pods is missed.",
                next_step=f"initshim audit --what-if {name} shows what `kubectl label namespace "
                f"{name} {INJECT}=enabled` would do.",
            )


async def _findings(
    client: Client, seen: Scope, rules: Deployed, places: Sequence[Place]
) -> Findings:
    with bar() as drawn:
        async with open_resolver(rules.settings, client, Silent()) as resolver:
            once = Once(resolver, seconds=rules.settings.lookup_seconds)
            return await Auditor(client, seen, rules.rules, once, drawn).audit(places)


async def _audit(client: Client, findings: Findings, notes: Sequence[str], wishes: Wishes) -> int:
    report.show(findings, notes, wishes.form)
    _say(notes)
    problems = [await rights.explain(client, each) for each in findings.problems]
    output.complain("audit", problems[:1])
    output.complain("audit", [type(each)(str(each)) for each in problems[1:]])
    counted = tallies(findings.pods)
    restarted = await offer(client, counted, yes=wishes.yes) if wishes.restart else True
    if problems or not restarted:
        return PARTLY
    found = {str(state) for state, count in states(counted).items() if count}
    return FOUND if wishes.fail_on & found else DONE


async def _reaped(connection: Connection, findings: Findings, wishes: Wishes) -> int:
    read = leaks.reader(connection)
    now = datetime.now(UTC)
    with bar() as drawn:
        counts = await reaped.ask(findings.pods, read, now=now, bar=drawn)
    leaks.show(counts, wishes.form)
    output.complain("audit", findings.problems)
    nobody = bool(counts) and all(each.problem for each in counts)
    return PARTLY if findings.problems or nobody else DONE


async def _forecast(
    client: Client, seen: Scope, rules: Deployed, wishes: Wishes, namespace: str
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
    forecast.show(told, wishes.form)
    _say((*seen.notes, *rules.notes))
    output.complain("audit", [await rights.explain(client, each) for each in told.problems[:1]])
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
