"""Semantics §1: which argv a container runs, and the same argv behind the reaper."""

import pytest

from webhook.core.argv import Argv, ImageConfig, effective, escape, wrap

NGINX = ImageConfig(("/docker-entrypoint.sh",), ("nginx", "-g", "daemon off;"))
NONE = ImageConfig()
EMPTY_STRING = ImageConfig(("",), ("run",))


@pytest.mark.parametrize(
    ("command", "args", "image", "argv"),
    [
        (["/app"], [], None, ("/app",)),
        (["/app"], ["-v"], None, ("/app", "-v")),
        (["/app"], [], NGINX, ("/app",)),
        (["/app"], ["-v"], NGINX, ("/app", "-v")),
        ([], ["-v"], NGINX, ("/docker-entrypoint.sh", "-v")),
        ([], [], NGINX, ("/docker-entrypoint.sh", "nginx", "-g", "daemon off;")),
        ([], [], EMPTY_STRING, ("run",)),
        ([], ["x"], EMPTY_STRING, ("x",)),
        ([], ["x"], NONE, ("x",)),
        ([], [], ImageConfig((), ("sh",)), ("sh",)),
        ([], [], ImageConfig(("",)), ()),
        ([], [], NONE, ()),
        ([], [], ImageConfig(("", "x")), ("", "x")),
        ([""], [], NGINX, ("",)),
    ],
)
def test_argv_is_what_containerd_would_run(
    command: list[str], args: list[str], image: ImageConfig | None, argv: tuple[str, ...]
) -> None:
    """Semantics §1, the table, row by row."""
    assert effective(command, args, image) == argv


@pytest.mark.parametrize(
    ("command", "args", "image", "wrapped"),
    [
        (["/app"], ["-v"], None, Argv(("/.initshim/init", "--", "/app"))),
        (["/app"], ["-v"], NGINX, Argv(("/.initshim/init", "--", "/app"))),
        ([], ["-v"], NGINX, Argv(("/.initshim/init", "--", "/docker-entrypoint.sh"))),
        (
            [],
            [],
            NGINX,
            Argv(
                ("/.initshim/init", "--", "/docker-entrypoint.sh"), ("nginx", "-g", "daemon off;")
            ),
        ),
        ([], [], ImageConfig((), ("sh",)), Argv(("/.initshim/init", "--"), ("sh",))),
        ([], ["x"], EMPTY_STRING, Argv(("/.initshim/init", "--"))),
        ([], [], ImageConfig(("/app",)), Argv(("/.initshim/init", "--", "/app"))),
    ],
)
def test_only_what_came_from_the_image_is_added(
    command: list[str], args: list[str], image: ImageConfig | None, wrapped: Argv
) -> None:
    """Semantics §1, rewrite: ENTRYPOINT goes to `command`, CMD to `args`; own args stay."""
    assert wrap(command, args, image) == wrapped


def test_a_dollar_of_the_image_is_doubled_and_one_of_the_pod_is_not() -> None:
    """Semantics §1, `$`."""
    image = ImageConfig(("sh", "-c", "echo $HOME $(HOME)"), ("$$", "$"))
    assert wrap([], [], image) == Argv(
        ("/.initshim/init", "--", "sh", "-c", "echo $$HOME $$(HOME)"), ("$$$$", "$$")
    )
    assert wrap(["$(APP)", "$$"], ["$(X)"], None) == Argv(("/.initshim/init", "--", "$(APP)", "$$"))


def test_options_stand_before_the_two_dashes_and_are_not_expanded() -> None:
    """The kubelet expands `command`: an option is ours, so its `$` is doubled too."""
    argv = wrap(["/app"], [], None, options=("-g", "-t", "/tmp/$(X)"))
    assert argv.command == ("/.initshim/init", "-g", "-t", "/tmp/$$(X)", "--", "/app")


def test_text_without_a_dollar_is_not_touched() -> None:
    assert escape("a(b)c") == "a(b)c"
