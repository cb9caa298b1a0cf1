"""The grammar of the initshim.dev/… annotations: good ones, and the sentence for bad ones."""

from pathlib import Path

import pytest

from webhook.core.annotations import PodOptions, intended, pod_options
from webhook.core.errors import BadAnnotation

REPOSITORY = Path(__file__).parents[3]
ENTRYPOINT = "initshim.dev/entrypoint.web"
OPTIONS = "initshim.dev/options"


def test_a_pod_without_annotations_asks_for_nothing() -> None:
    assert pod_options({}, {}) == PodOptions()
    assert pod_options({"example.com/inject": "false"}, {"app": "web"}) == PodOptions()


@pytest.mark.parametrize("value", ["false", "disabled"])
@pytest.mark.parametrize("as_label", [False, True])
def test_a_pod_can_opt_out_by_annotation_or_label(value: str, as_label: bool) -> None:
    switch = {"initshim.dev/inject": value}
    assert pod_options({} if as_label else switch, switch if as_label else {}).opted_out


def test_one_no_beats_a_yes_and_every_mistake() -> None:
    yes, no = {"initshim.dev/inject": "true"}, {"initshim.dev/inject": "false"}
    assert pod_options(yes, no).opted_out
    assert pod_options(no, yes).opted_out
    assert pod_options({**no, OPTIONS: "--nonsense"}, {}).opted_out
    assert not pod_options(yes, {"initshim.dev/inject": "enabled"}).opted_out


@pytest.mark.parametrize(
    ("value", "excluded"),
    [("", set()), ("a", {"a"}), ("a,b", {"a", "b"}), (" a , b ,,", {"a", "b"})],
)
def test_containers_are_excluded_by_name(value: str, excluded: set[str]) -> None:
    assert pod_options({"initshim.dev/exclude-containers": value}, {}).excluded == excluded


def test_an_entrypoint_is_a_json_list() -> None:
    options = pod_options({ENTRYPOINT: '["/app", "--x", "ü", "$(A)"]'}, {})
    assert options.entrypoints == {"web": ("/app", "--x", "ü", "$(A)")}


@pytest.mark.parametrize(
    "value",
    [
        "", "/app", "[]", "{}", "[1]", "[null]", '["a",["b"]]', '"/app"', "['/app']", "[" * 100_000,
        '["a\\u0000b"]', '["\\ud800"]', '["/app"] x',
    ],
)  # fmt: skip
def test_an_entrypoint_that_can_not_be_run_is_refused(value: str) -> None:
    """A lone surrogate could not be written into the answer, NUL not passed to execve."""
    with pytest.raises(BadAnnotation, match=r"initshim.dev/entrypoint.web must be a JSON list"):
        pod_options({ENTRYPOINT: value}, {})


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("initshim.dev/inject", "no", 'initshim.dev/inject must be "true" or "false", not \'no\''),
        ("initshim.dev/inject", "", 'initshim.dev/inject must be "true" or "false", not \'\''),
        (
            "initshim.dev/include-init-containers",
            "yes",
            'initshim.dev/include-init-containers must be "true" or "false", not \'yes\'',
        ),
        ("initshim.dev/exclude", "web", "initshim.dev/exclude is no annotation of initshim"),
        ("initshim.dev/", "", "initshim.dev/ is no annotation of initshim"),
        (OPTIONS, "--nice", "initshim.dev/options: '--nice' is no option that a pod may set"),
        (OPTIONS, "-gx", "initshim.dev/options: -x is no option that a pod may set"),
        (OPTIONS, "sh -c", "initshim.dev/options: 'sh' is no option"),
        (OPTIONS, "-e", "initshim.dev/options: -e needs a value"),
        (OPTIONS, "--linger", "initshim.dev/options: --linger needs a value"),
        (OPTIONS, "-e 256", "initshim.dev/options: -e can't take '256'"),
        (OPTIONS, "--all=1", "initshim.dev/options: --all takes no value"),
        (OPTIONS, "'-g", 'initshim.dev/options: No closing quotation in "\'-g"'),
        (OPTIONS, "-v " * 65, "initshim.dev/options: more than 64 words"),
    ],
)
def test_a_mistake_is_explained(key: str, value: str, sentence: str) -> None:
    with pytest.raises(BadAnnotation) as failure:
        pod_options({key: value}, {})
    assert str(failure.value) == sentence


@pytest.mark.parametrize(
    "value",
    [
        "", "-g", "-ga", "-gve143", "-gve 143", "-e 0 -e 255", "--expect-exit=1 --expect-exit 2",
        "-r TERM:QUIT", "-rSIGTERM:0", "--rewrite=15:3", "-r rtmin+3:RTMAX-3", "-r sigusr1:hup",
        "-p TERM", "--parent-death=9", "-l 0", "-l 1000000", "--linger 5", "-vv",
        "--kill-group --all --subreaper --verbose", "'-e' \"143\"", "-e 007",
    ],
)  # fmt: skip
def test_an_option_that_the_reaper_takes_is_passed_on(value: str) -> None:
    assert " ".join(pod_options({OPTIONS: value}, {}).reaper) == value.replace("'", "").replace(
        '"', ""
    )


@pytest.mark.parametrize(
    "value",
    [
        "-e x", "-e -1", "-e ''", "-e 1000", "-e ٣", "-l 1000001", "-l 99999999999999999999",
        "-r TERM", "-r TERM:", "-r :TERM", "-r 0:TERM", "-r FOO:TERM", "-r TERM:FOO", "-r SIG15:1",
        "-r TERM:65", "-r RTMIN+31:1", "-r RTMIN-1:1", "-r A:B:C", "-p 0", "-p NOPE", "-p \u017fys",
        "-t /tmp/x", "--termination-log=/x", "--install /x", "-V", "--version", "-h", "--help",
        "--", "-", "-g -- sh", "--kill", "--expect-exit143",
    ],
)  # fmt: skip
def test_an_option_that_would_stop_the_container_is_refused(value: str) -> None:
    """The reaper exits with 2 at a bad option: a pod must not fail over a typing error."""
    with pytest.raises(BadAnnotation, match=r"initshim\.dev/options: "):
        pod_options({OPTIONS: value}, {})


def test_a_number_too_long_for_python_is_refused_like_any_other() -> None:
    with pytest.raises(BadAnnotation, match="-e can't take '9999"):
        pod_options({OPTIONS: f"-e {'9' * 1000}"}, {})


def test_a_long_name_leaves_room_for_what_is_wrong() -> None:
    key = "initshim.dev/entrypoint." + "a-rather-long-name-of-a-container-that-goes-on-and-x"
    with pytest.raises(BadAnnotation) as failure:
        pod_options({key: "x" * 300}, {})
    assert "…" in str(failure.value)
    assert "must be a JSON list of strings, not 'xxx" in str(failure.value)
    assert len(str(failure.value)) < 130


@pytest.mark.parametrize("piece", ["'", "-g ", "\\", '"a'])
def test_options_have_a_length_before_they_are_split(piece: str) -> None:
    with pytest.raises(BadAnnotation, match="longer than 1024 characters"):
        pod_options({"initshim.dev/options": piece * 100_000}, {})
    assert pod_options({"initshim.dev/options": "-g ".ljust(1024)}, {}).reaper == ("-g",)


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        ("Enabled", "enabled"), ("TRUE", "enabled"), ("yes", "enabled"), ("on", "enabled"),
        ("1", "enabled"), (" true", "enabled"), ("Disabled", "disabled"), ("False", "disabled"),
        ("no", "disabled"), ("off", "disabled"), ("0", "disabled"),
        ("enable", "enabled"), ("y", "enabled"), ("inject", "enabled"),
        ("disable", "disabled"), ("n", "disabled"), ("none", "disabled"),
        ("enabled", ""), ("true", ""), ("disabled", ""), ("false", ""),
        ("", ""), ("shop", ""), ("enabled" * 100_000, ""),
    ],
)  # fmt: skip
def test_a_wish_is_told_from_what_says_nothing_at_all(value: str, instead: str) -> None:
    assert intended(value) == instead
