"""What the policy is made of: its conditions and variables, and the webhook's own condition."""

from webhook.core import shell
from webhook.core.annotations import DEFAULT_CONTAINER, STATUS
from webhook.core.cel import containers, limits, options, pods
from webhook.core.cel.argvs import WRAPPED
from webhook.core.cel.containers import OURS, Rules
from webhook.core.cel.literals import any_of, checked, literal
from webhook.core.cel.operations import Delivery, asked
from webhook.core.cel.paths import has_our_mount, is_image_volume, is_our_volume
from webhook.core.cel.pods import ALL, ANNOTATIONS, CONTAINERS, VOLUMES
from webhook.core.mutation import TOKEN_PATH
from webhook.core.ours import NAME
from webhook.core.reasons import Reason

Named = dict[str, str]


def conditions(rules: Rules) -> Named:
    """Give the matchConditions: no reason to leave the pod alone, no limit that it exceeds."""
    reasons = pods.left_alone(rules.runtime_classes)
    return {f"not-{reason}": f"!({each})" for reason, each in reasons.items()} | {
        limit.name: limit.condition for limit in limits.limits()
    }


def unasked() -> Named:
    """Give the webhook's matchConditions: pods that it would leave alone don't cost a call.

    For API servers from 1.28 on, so without optional types.
    """
    reasons = pods.never_wrapped(checked)
    return {f"not-{reason}": f"!({each})" for reason, each in reasons.items()}


def left_to_webhook(rules: Rules) -> str:
    """Give the webhook's matchCondition: the pod, or a container of it, is left to it."""
    taken = pods.left_alone(rules.runtime_classes)[Reason.NAME_TAKEN]
    return any_of(
        (
            taken,
            *(f"!({limit.condition})" for limit in limits.limits()),
            f"!({containers.settled(rules)})",
        )
    )


def variables(rules: Rules, delivery: Delivery) -> Named:
    """Give the variables; each may use those before it, and none is evaluated in vain."""
    through = literal([WRAPPED, Reason.ALREADY_WRAPPED])
    others = literal([WRAPPED, Reason.ALREADY_WRAPPED, OURS])
    argv = containers.argv("c", "variables.known[i]")
    read = f"a.size() > {shell.MOST_WORDS} ? a.slice(0, {shell.MOST_WORDS}) : a"
    path = '(i < variables.apps ? "/spec/containers/" + string(i)'
    path += ' : "/spec/initContainers/" + string(i - variables.apps))'
    return {
        "annotations": ANNOTATIONS,
        "all": ALL,
        "apps": f"{CONTAINERS}.size()",
        "places": f"variables.all.transformList(i, c, {path})",
        "options": options.GIVEN,
        "excluded": containers.EXCLUDED,
        "includesInit": containers.INCLUDES_INIT,
        "swapped": pods.swaps_images(),
        "known": f"variables.all.map(c,\n{containers.known(rules)})",
        "argvs": f"variables.all.transformList(i, c,\n{argv}).map(a, {read})",
        "before": f'{ANNOTATIONS}[?{literal(STATUS)}].orValue("")',
        "decided": f"variables.all.transformList(i, c,\n{containers.fate(rules)})",
        "fates": f"variables.decided.transformList(i, f,\n{_or_as_said_before()})",
        "wraps": f"variables.fates.transformList(i, f, f == {literal(WRAPPED)}, i)",
        "through": f"variables.fates.transformList(i, f, f in {through}, i)",
        "skipped": f"variables.fates.transformList(i, f, !(f in {others}), i)",
        "ours": f"variables.fates.transformList(i, f, f == {literal(OURS)}, i)",
        "first": "variables.all[variables.through[0]]",
        "givesToken": f"variables.all.exists(c, c.?volumeMounts.orValue([])"
        f".exists(m, m.mountPath == {literal(TOKEN_PATH)}))",
        **_missing(delivery),
        **_said(delivery),
    }


def _or_as_said_before() -> str:
    """What the webhook found out stays, where the policy is asked again after it."""
    known = "|".join(Reason)
    name = "variables.all[i].name"
    said = f"""variables.before.find('(?:"skipped":\\\\{{|,)"' + {name} + '":"(?:{known})"')"""
    found = f"[{said}].map(s, s == '' ? f : s.substring(s.lastIndexOf(':') + 2, s.size() - 1))[0]"
    return f"f == {literal(Reason.LEFT_TO_WEBHOOK)} ? {found} : f"


def _missing(delivery: Delivery) -> Named:
    """What the pod lacks of ours, or has otherwise than it should."""
    mended = "variables.all[variables.ours[0]]"
    differs = " || ".join(
        f"{asked(mended, kind)} != {asked('variables.first', kind)}"
        for kind in ("limits", "requests")
    )
    return {
        "lacksVolume": f"!{VOLUMES}.exists(v, {is_our_volume('v')})",
        "lacksInit": (
            "variables.ours.size() == 0"
            f" && !(variables.lacksVolume && {delivery.as_volume})"
            f" && !{VOLUMES}.exists(v, v.name == {literal(NAME)} && {is_image_volume('v')})"
        ),
        "namesDefault": (
            "variables.lacksInit && variables.all.size() == 1"
            f" && !({literal(DEFAULT_CONTAINER)} in {ANNOTATIONS})"
        ),
        "asksOtherwise": f"variables.ours.size() > 0 && ({differs})",
        "comesLate": (
            "variables.ours.size() > 0"
            " && variables.through.exists(i, i >= variables.apps && i < variables.ours[0])"
        ),
        "changes": (
            "variables.wraps.size() > 0 || variables.lacksVolume || variables.lacksInit"
            " || variables.asksOtherwise || variables.comesLate"
            f" || variables.through.exists(i, !{has_our_mount('variables.all[i]')})"
        ),
    }


def _said(delivery: Delivery) -> Named:
    """The status annotation; an unchanged pod keeps the version that made it."""
    before = "variables.before"
    return {
        "said": (
            """',"wrapped":["' + variables.through.map(i, variables.all[i].name).join('","')\n"""
            """+ '"],"skipped":{' + variables.skipped.map(i, '"' + variables.all[i].name\n"""
            """+ '":"' + variables.fates[i] + '"').join(',') + '}}'"""
        ),
        "status": f"""'{_BEGIN}' + {delivery.version} + '"' + variables.said""",
        "statusDiffers": (
            f"{before} != variables.status && (variables.changes\n"
            f"|| !{before}.startsWith('{_BEGIN}') || !{before}.endsWith(variables.said)\n"
            f"|| !{before}.substring({len(_BEGIN)}, {before}.size() - variables.said.size())"
            f".matches({literal(_VERSION)}))"
        ),
    }


_BEGIN = '{"version":"'
_VERSION = '^[^"\\\\]*"$'
