"""What a registry's status code means; what the body says is not repeated."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx

from webhook.core.errors import BadAnswer, NotFound, RateLimited, Unauthorized
from webhook.oci.failures import server_error


def check_status(status: int, host: str, what: str) -> None:
    """Raise the error that a status means, unless it is 200; `what` was asked for."""
    if status == httpx.codes.OK:
        return
    if status in (401, 403):
        raise Unauthorized(f"{host} refused access to {what}")
    if status in (404, 410):
        raise NotFound(f"{host} has no {what}")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise limited(host)
    if status >= 500 or status == httpx.codes.REQUEST_TIMEOUT:
        raise server_error(host, status)
    raise BadAnswer(f"{host} answered {status} to a request for {what}")


def limited(host: str) -> RateLimited:
    """Give the error for a registry that is asked too often."""
    return RateLimited(
        f"{host} limits how often it is asked",
        next_step="Give credentials of an account with a higher limit, or a mirror.",
    )


def retry_after(headers: Mapping[str, str]) -> float:
    """Read Retry-After, in seconds or as a date by the server's own clock; 0 for none."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until, now = (parsedate_to_datetime(each) for each in (text, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
