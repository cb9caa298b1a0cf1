"""Settings: where they come from, and what is said of bad ones."""

import math
import os
from pathlib import Path

import pytest

from webhook.core.argv import ImageConfig
from webhook.core.errors import BadSettings
from webhook.settings import Settings, image_map, load


@pytest.fixture(autouse=True)
def _only_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("INITSHIM_"):
            monkeypatch.delenv(name)


def test_without_an_environment_there_are_defaults() -> None:
    settings = load()
    assert (settings.port, settings.http_port) == (8443, 8080)
    assert settings.max_body == 4 << 20
    assert settings.keep_alive_seconds > 90  # semantics §5


def test_every_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSHIM_PORT", "9443")
    monkeypatch.setenv("initshim_log_level", "debug")
    monkeypatch.setenv("INITSHIM_WARM_UP", "true")
    monkeypatch.setenv("PORT", "1")
    settings = load()
    assert (settings.port, settings.log_level, settings.warm_up) == (9443, "debug", True)


def test_a_flag_beats_the_environment_and_no_flag_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSHIM_PORT", "9443")
    assert load(port=0).port == 0
    assert load(port=None).port == 9443


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSHIM_RUNTIME_CLASSES", " gvisor, wasm* ,,")
    assert load().runtime_classes == ("gvisor", "wasm*")


@pytest.mark.parametrize("name", ["IMAGES_FILE", "PORT", "RUNTIME_CLASSES", "PROXY", "WARM_UP"])
def test_an_empty_variable_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A template leaves a value out by leaving it empty."""
    monkeypatch.setenv(f"INITSHIM_{name}", "")
    assert load() == Settings()
    assert load().images_file is None


def test_a_services_own_variables_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """`enableServiceLinks`: a Service called initshim is told to each container beside it."""
    for name, value in {
        "PORT": "tcp://10.96.13.7:443",
        "PORT_443_TCP": "tcp://10.96.13.7:443",
        "SERVICE_HOST": "10.96.13.7",
        "SERVICE_PORT": "443",
    }.items():
        monkeypatch.setenv(f"INITSHIM_{name}", value)
    assert load().port == 8443


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "https"),
        ("DRAIN_SECONDS", "-1"),
        ("DRAIN_SECONDS", "nan"),
        ("KEEP_ALIVE_SECONDS", "0"),
        ("RECEIVE_SECONDS", "inf"),
        ("LOOKUP_SECONDS", "5s"),
        ("MAX_BODY", "10"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "yaml"),
        ("ON_UNRESOLVED", "ignore"),
        ("DELIVERY", "sidecar"),
        ("LOOKUPS", "perhaps"),
        ("TLS", "none"),
        ("CACHE_ENTRIES", "0"),
    ],
)
def test_a_value_that_can_not_be_is_refused_by_its_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"INITSHIM_{name}", value)
    with pytest.raises(BadSettings, match=f"INITSHIM_{name}: ") as caught:
        load()
    assert caught.value.next_step


def test_every_bad_setting_is_named_at_once_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INITSHIM_PORT", "s3cret")
    monkeypatch.setenv("INITSHIM_LOG_LEVEL", "s3cret")
    with pytest.raises(BadSettings) as caught:
        load()
    assert "INITSHIM_PORT" in str(caught.value)
    assert "INITSHIM_LOG_LEVEL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(
        BadSettings, match=r"^bad settings: INITSHIM_TLS=files needs INITSHIM_TLS_CERT_FILE"
    ):
        load(tls="files", tls_cert_file="/tls.crt")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1


def test_times_are_finite() -> None:
    for name, value in load():
        assert not name.endswith("_seconds") or math.isfinite(value)


def test_the_images_file_says_what_images_run(tmp_path: Path) -> None:
    file = tmp_path / "images.yaml"
    file.write_text(
        "registry.example/shop:*: {entrypoint: [/shop], cmd: [serve]}\n'*/tool': {cmd: [x]}\n"
    )
    assert load(images_file=file).rules().images == (
        ("registry.example/shop:*", ImageConfig(("/shop",), ("serve",))),
        ("*/tool", ImageConfig((), ("x",))),
    )


def test_an_empty_images_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "images.yaml"
    file.write_text("# nothing yet\n")
    assert image_map(file) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: {entrypoint: [1]}", "a.entrypoint.0"),
        (b"a: {entrypoint: /shop}", "a.entrypoint"),
        (b"a: {entrypoint: [x], workdir: /}", "a.workdir"),
        (b"- a", "mapping"),
        (b"a: [", "can't be read"),
        (b"a: \xff", "can't be read"),
    ],
)
def test_a_bad_images_file_is_refused_with_its_name_and_the_place(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "images.yaml"
    file.write_bytes(content)
    with pytest.raises(BadSettings, match=r"images\.yaml") as caught:
        image_map(file)
    assert said in str(caught.value)


def test_a_missing_images_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"none\.yaml can't be read: "):
        image_map(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "url", ["collector:4318", "grpc://collector:4317", "http://", "http://a b"]
)
def test_traces_go_to_a_url_or_nowhere(url: str) -> None:
    with pytest.raises(BadSettings, match="INITSHIM_TRACES_ENDPOINT is no http"):
        load(traces_endpoint=url)
    assert load(traces_endpoint="https://collector.example/otlp").traces_endpoint


def test_exemplars_need_traces() -> None:
    with pytest.raises(BadSettings, match="INITSHIM_EXEMPLARS=true needs"):
        load(exemplars=True)


def test_a_reaper_image_that_no_node_would_pull_is_refused() -> None:
    with pytest.raises(BadSettings, match=r"INITSHIM_REAPER_IMAGE: 'Reaper' is no image reference"):
        load(reaper_image="Reaper")
