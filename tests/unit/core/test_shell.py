"""What an argv comes to: each command in plain sight, and which of them the container becomes."""

import pytest

from webhook.core.shell import behind_prefixes, commands, script_of


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


def test_only_a_shell_has_a_script() -> None:
    for argv in (["app", "-c", "tini app"], ["busybox"], ["busybox", "app", "-c", "tini app"]):
        assert script_of(argv) is None


def test_a_shell_without_a_script_has_none() -> None:
    """An option is no script, nor is what `-o` is given, nor a file that it reads."""
    for line in ("sh", "sh -c", "sh -e", "bash -x app", "bash +c app", "bash -o c app"):
        assert script_of(line.split()) is None, line
    assert script_of(["sh", "-", "-c", "tini app"]) is None


@pytest.mark.parametrize("options", ["-e", "-?", "+x", "+o posix", "-euo pipefail", "-O extglob"])
def test_a_script_stands_behind_the_other_options_too(options: str) -> None:
    assert script_of(["bash", *options.split(), "-c", "tini app"]) == ("tini app", [])


def test_what_is_redirected_is_none_of_a_commands_words() -> None:
    assert became("sh", "-c", "exec tini 2>/dev/null -- app < in # so") == [("tini -- app", True)]


def test_a_scripts_last_4096_characters_and_32_commands_are_read() -> None:
    for blanks, read in ((4090, "/init"), (4091, "init")):
        assert became("sh", "-c", f"/init{' ' * blanks};") == [(read, True)]
    for others, first in ((31, ("/init", True)), (32, ("app", False))):
        assert became("sh", "-c", f"/init{';app' * others}")[0] == first


def test_64_words_are_looked_at() -> None:
    words = [str(number) for number in range(65)]
    assert became(*words) == [(" ".join(words[:-1]), True)]


def test_strings_of_env_are_split_four_deep() -> None:
    for depth, expected in {4: [("tini -- app", True)], 5: []}.items():
        assert became("env", "-S", *["env -S"] * (depth - 1), "tini -- app") == expected


def test_a_string_of_env_stands_before_the_other_words() -> None:
    assert became("env", "-S", "tini --", "app", "x") == [("tini -- app x", True)]
    assert became("env", "--split-string=tini --", "app", "x") == [("tini -- app x", True)]
    assert became("env", "--split-string=", "-i", "tini", "app") == [("tini app", True)]


def test_a_program_that_has_none_to_run_comes_to_no_command() -> None:
    for line in ("env", "env -S", "nohup --", "busybox nohup", "sudo -u app", "chroot /srv"):
        assert became(*line.split()) == [], line
    assert became("busybox") == [("busybox", True)]


def test_asked_where_a_program_is_a_shell_runs_none() -> None:
    for option in ("-v", "-V"):
        assert became("command", option, "tini") == []
        assert [*behind_prefixes(["nohup", "command", option, "tini"])] == []
    assert became("command", "tini", "-v") == [("tini -v", True)]


def test_a_programs_options_end_at_two_dashes_and_one_dash_is_none() -> None:
    assert became("nohup", "--", "-app", "x") == [("-app x", True)]
    assert became("nohup", "-", "x") == [("- x", True)]
    assert became("env", "-", "x") == [("x", True)]
