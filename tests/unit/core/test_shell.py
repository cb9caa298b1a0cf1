"""What an argv comes to: each command in plain sight, and which of them the container becomes."""

import pytest

from webhook.core.shell import commands, script_of


def became(*argv: str) -> list[tuple[str, bool]]:
    """Each command as a line, and whether it is what the container itself becomes."""
    return [(" ".join(each.words), each.first) for each in commands(argv)]


def test_what_an_inner_shell_execs_is_first_only_where_that_shell_is() -> None:
    inner = "sh -c 'exec tini app'"
    assert became("sh", "-c", inner) == [("tini app", True)]
    assert became("sh", "-c", f"prepare; exec {inner}") == [("prepare", True), ("tini app", True)]
    assert became("sh", "-c", f"prepare; {inner}") == [("prepare", True), ("tini app", False)]


def test_the_words_behind_a_script_are_first_only_where_it_execs_them() -> None:
    assert became("sh", "-c", 'exec "$@"', "sh", "tini", "app")[1:] == [("tini app", True)]
    assert became("sh", "-c", "prepare $1", "sh", "tini", "app")[1:] == [("tini app", False)]


@pytest.mark.parametrize(
    "keyword", ["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"]
)
def test_a_keyword_before_a_command_is_none_of_its_words(keyword: str) -> None:
    assert became("sh", "-c", f"{keyword} /sbin/init") == [("/sbin/init", True)]


def test_a_shells_options_end_where_it_says_so() -> None:
    assert script_of(["sh", "-c", "--", "-x; tini app", "name"]) == ("-x; tini app", ["name"])
    assert script_of(["sh", "--", "-c", "tini app"]) is None


def test_a_long_option_is_no_row_of_letters() -> None:
    assert script_of(["bash", "--norc", "start.sh"]) is None
    assert script_of(["bash", "--norc", "-c", "tini app"]) == ("tini app", [])
    assert script_of(["zsh", "--no-o", "-c", "tini app"]) == ("tini app", [])


def test_shells_in_shells_are_followed_four_deep() -> None:
    """One in the other's script, or in the words behind it."""
    in_scripts = r"""exec sh -c "exec sh -c 'exec sh -c INNERMOST'" """
    behind = ["sh", "-c", 'exec "$@"', "sh"]
    deepest = {4: "app", 5: r"sh\ -c\ app"}
    for depth, script in deepest.items():
        for argv in (
            ["sh", "-c", in_scripts.replace("INNERMOST", script)],
            [*behind * depth, "app"],
        ):
            *_, last = commands(argv)
            expected = ["app"] if depth == 4 else ["sh"]
            assert (last.words[:1], last.first) == (expected, True)


def test_a_login_without_a_script_has_none() -> None:
    assert became("su", "-", "app") == [("su - app", True)]
    assert became("su", "app", "-c", "tini app") == [("tini app", True)]
