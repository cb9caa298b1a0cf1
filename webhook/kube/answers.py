"""What the API server's answers mean: an object, or the error that says what can be done."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from webhook.core.errors import clause
from webhook.kube import errors
from webhook.kube.objects import Json, Ref

_LONGEST_MESSAGE = 300


def parse(status: int, answer: bytes, *, verb: str, what: Ref | str) -> Json:
    """Give the object in an answer, or raise the KubeError that it stands for."""
    if not 200 <= status < 300:
        raise refusal(status, answer, verb=verb, what=what)
    body = _parsed(answer)
    if isinstance(body, dict):
        return body
    raise errors.BadApiAnswer(f"Can't {verb} {what}: the answer is no JSON object")


def refusal(status: int, answer: bytes, *, verb: str, what: Ref | str) -> errors.KubeError:
    """Give the error for an answer that is no success."""
    task, said = f"Can't {verb} {what}", message(_parsed(answer))
    error: errors.KubeError
    if status in {401, 403}:
        error = errors.Forbidden(f"{task}: {said}", next_step=_grant(status, verb, what))
    elif status == 404:
        error = errors.Missing(f"{task}: {said}", next_step="Check its name and that it exists.")
    elif status == 409:
        error = errors.Conflict(f"{task}: {said}", next_step="Read it again and retry.")
    elif status in {408, 429} or status >= 500:
        error = errors.ApiUnreachable(
            f"{task}: HTTP {status}, {said}", next_step="Try again later."
        )
    else:
        error = errors.Refused(f"{task}: HTTP {status}, {said}")
    error.status = status
    return error


def warning(header: str) -> str:
    """Give the text of one Warning header (RFC 7234, 5.5), as the API server quotes it."""
    quoted = header.partition(" ")[2].partition(" ")[2].strip()
    return re.sub(r"\\(.)", r"\1", quoted.removeprefix('"').removesuffix('"'))


def date(header: str) -> datetime | None:
    """Read a Date header (RFC 9110, 6.6.1); what is none gives None."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None


def last_change(found: Json) -> datetime | None:
    """Give the time at which an object was last changed by anybody, or None where nobody says.

    An entry of `managedFields` has the time at which its manager last changed a field.
    """
    entries = (found.get("metadata") or {}).get("managedFields") or ()
    try:
        return max(datetime.fromisoformat(each["time"]).astimezone(UTC) for each in entries)
    except (KeyError, TypeError, ValueError):
        return None


def cells(table: Json, columns: Sequence[str], *, what: str) -> list[tuple[str, ...]]:
    """Give these columns of a meta/v1 Table's rows. Raises BadApiAnswer where it has none such."""
    try:
        names = [str(each["name"]) for each in table["columnDefinitions"]]
        places = [names.index(name) for name in columns]
        rows = table.get("rows") or ()
        return [tuple(str(row["cells"][at]) for at in places) for row in rows]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise errors.BadApiAnswer(
            f"Can't list {what}: the answer is no table with {', '.join(columns)}"
        ) from error


def _parsed(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None


def _grant(status: int, verb: str, what: Ref | str) -> str:
    if status == 401:
        return "The credentials are not accepted: check the token, its expiry and its audience."
    resource = what.kind.resource if isinstance(what, Ref) else what
    verbs = "the verbs 'create' and 'patch'" if verb == "apply" else f"the verb {verb!r}"
    return f"Grant {verbs} on {resource} to this user or service account."


def message(body: object) -> str:
    """Give the API server's own sentence: a Status object carries one."""
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, str) or not message:
        return "no reason given"
    line = clause(message)
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"
