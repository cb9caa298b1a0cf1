"""What others define in the environment is read as it is when it is asked for."""

import pytest

from webhook.base.environment import environment


def test_what_others_define_is_given_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (".svc", ".local"):
        monkeypatch.setenv("NO_PROXY", value)
        assert environment()["NO_PROXY"] == value
