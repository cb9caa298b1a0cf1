"""Every error that exec, fork, open and a copy can meet has words: no "error 17"."""

import ast
import errno
import os
from pathlib import Path

import pytest

import initshim

MEETABLE = [
    "E2BIG", "EACCES", "EAGAIN", "EBADF", "EBADMSG", "EBUSY", "ECHILD", "EDQUOT", "EEXIST",
    "EFAULT", "EFBIG", "EINVAL", "EIO", "EISDIR", "ELIBBAD", "ELOOP", "EMFILE", "EMLINK",
    "ENAMETOOLONG", "ENFILE", "ENODEV", "ENOENT", "ENOEXEC", "ENOKEY", "ENOMEM", "ENOSPC", "ENOSYS",
    "ENOTDIR", "ENOTEMPTY", "ENXIO", "EOPNOTSUPP", "EOVERFLOW", "EPERM", "EROFS", "ESRCH", "ESTALE",
    "ETXTBSY", "EUCLEAN", "EXDEV",
]  # fmt: skip
"""The errors of execve(2), clone(2), open(2), write(2), fsync(2), rename(2), wait4(2), kill(2)."""


def words() -> dict[int, str]:
    """The table in initshim/say.py, which can't be called from here."""
    tree = ast.parse((Path(initshim.__file__).parent / "say.py").read_text())
    table = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "errors")
    text = b"".join(
        node.value
        for node in ast.walk(table)
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes)
    )
    return {entry[0]: entry[1:].decode() for entry in text.split(b"\0") if entry}


@pytest.mark.parametrize("name", MEETABLE)
def test_it_has_the_words_of_the_c_library(name: str) -> None:
    number = getattr(errno, name)
    assert words()[number] == os.strerror(number)
