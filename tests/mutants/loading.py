"""A changed module, imported in place of the real one; no file is written."""

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


class _Changed(SourceFileLoader):
    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return compile(self._tree, self.path, "exec", dont_inherit=True)


class Instead(MetaPathFinder):
    """Finds one module's changed source, and nothing else."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module, self._tree = module, tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Give the changed module's spec, with the real file's path for tracebacks."""
        if fullname != self._module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin:
            spec.loader = _Changed(fullname, spec.origin, self._tree)
        return spec

    def install(self) -> None:
        """Go before the finders that read files."""
        assert self._module not in sys.modules, f"{self._module} is imported already"
        sys.meta_path.insert(0, self)
