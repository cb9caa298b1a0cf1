"""The parts of a review's way, each by itself: what it costs, and what it buys."""

from collections.abc import Callable

from tests.benchmarks.reviews import MAIN, sample
from webhook.admission.admit import Answer, outcomes
from webhook.assembly.engine import make_engine
from webhook.assembly.no_lookups import NoLookups
from webhook.core import mutation, policy, response, review
from webhook.core.response import Verdict
from webhook.server.log_lines import Log
from webhook.server.logs import ReviewLog
from webhook.server.metrics import Metrics
from webhook.settings import Settings

BUYS = {
    "read the review": "types and limits for all that is read; what nobody reads is skipped",
    "plan": "a decision for each container: opted out, Windows, inits, PID 1, foreign mounts",
    "operations": "the patch: made from what was decoded, never found by comparison",
    "check": "no patch of a shape that was not applied in full once and compared",
    "warnings": "a sentence for whom the wrapping changes something",
    "answer": "the protocol's answer, the patch in base64, warnings within its limits",
    "log": "a line for each review, whatever is in it on one line and within a length",
    "metrics": "reviews, seconds and containers counted",
}


def parts(out: Log) -> dict[str, Callable[[], object]]:
    """Give the parts, by their names in BUYS, for the review of 9 KB whose pod has commands."""
    body = sample(*MAIN, "registry.example").body
    metrics, lines = Metrics("1.0"), ReviewLog(out)
    engine = make_engine(Settings(tls="dev"), version="1.0", resolver=NoLookups(), observer=metrics)
    request = review.parse(body)
    pod = request.pod
    if pod is None:
        raise RuntimeError("the sample has no pod")
    plan = policy.plan(pod, engine.rules)
    patch = mutation.operations(pod, plan, engine.delivery)
    became = outcomes(plan)
    verdict = Verdict(patch=patch, audit={"wrapped": ",".join(became)})
    answer = Answer(response.respond(request, verdict), "patched", request, pod.owner, became, plan)

    def count() -> None:
        metrics.reviewed("patched", 0.0004)
        metrics.containers(became.values())

    return {
        "read the review": lambda: review.parse(body),
        "plan": lambda: policy.plan(pod, engine.rules),
        "operations": lambda: mutation.operations(pod, plan, engine.delivery),
        "check": lambda: engine.checks.check(pod, plan, patch),
        "warnings": lambda: policy.warnings(plan),
        "answer": lambda: response.respond(request, verdict),
        "log": lambda: lines.write(answer, 0.0004),
        "metrics": count,
    }
