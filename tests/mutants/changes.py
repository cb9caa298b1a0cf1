"""What can be changed in a module: one operator, constant, condition or statement at a time.

Left alone is what a test should not hold: annotations, docstrings, decorators' arguments, imports,
and the words of sentences.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
TYPE_CHECKING = "TYPE_CHECKING"
_OF_TYPES = ("dict", "list", "tuple", "set", "Mapping", "Callable", "Sequence", "Literal")
AT_IMPORT = (0, 0)
"""Where a change is inside of no function."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `name` stays the same while other lines move; `index` finds its node again.

    Of changes that read alike in one function, those after the first have a `number`.
    """

    module: str
    place: str
    before: str
    after: str
    line: int
    inside: tuple[int, int]
    index: int
    variant: int
    number: int = 1

    @property
    def name(self) -> str:
        """Say where and what, without line numbers."""
        number = f" ({self.number})" if self.number > 1 else ""
        return f"{self.module}:{self.place}: {self.before} -> {self.after}{number}"


def changes(module: str, source: str) -> list[Change]:
    """List every change of a module's source, in the order of its lines."""
    found: list[Change] = []
    for index, (node, place, inside) in enumerate(_nodes(ast.parse(source))):
        for variant, after in enumerate(_variants(node)):
            found.append(
                Change(
                    module=module,
                    place=place,
                    before=_short(node),
                    after=_short(after) if after else "nothing",
                    line=getattr(node, "lineno", 1),
                    inside=inside,
                    index=index,
                    variant=variant,
                )
            )
    return _numbered(sorted(found, key=lambda change: change.line))


def _numbered(found: list[Change]) -> list[Change]:
    seen: Counter[str] = Counter()
    numbered = []
    for change in found:
        seen[change.name] += 1
        numbered.append(replace(change, number=seen[change.name]))
    return numbered


def changed(source: str, change: Change) -> ast.Module:
    """Give the module's tree with one change made."""
    tree = ast.parse(source)
    node = next(each for i, (each, *_) in enumerate(_nodes(tree)) if i == change.index)
    after = _variants(node)[change.variant]
    replacement = after or ast.Pass()
    ast.copy_location(replacement, node)
    _Put(node, replacement).visit(tree)
    return ast.fix_missing_locations(tree)


class _Put(ast.NodeTransformer):
    """Puts one node in another's place."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self._new if node is self._old else self.generic_visit(node)


Inside = tuple[int, int]


def _nodes(tree: ast.Module) -> Iterator[tuple[ast.AST, str, Inside]]:
    """Walk all that may be changed, with the name and the lines of the function around it."""
    yield from _walk(tree.body, "module", AT_IMPORT)


def _walk(nodes: Sequence[ast.AST], place: str, inside: Inside) -> Iterator[Any]:
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_words(node):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = node.name if place == "module" else f"{place}.{node.name}"
            span = (node.body[0].lineno, node.end_lineno or node.lineno)
            defaults = [each for each in (*node.args.defaults, *node.args.kw_defaults) if each]
            yield from _walk([*defaults, *node.body], name, span)
        elif isinstance(node, ast.ClassDef):
            name = node.name if place == "module" else f"{place}.{node.name}"
            yield from _walk(node.body, name, inside)
        elif not _is_for_types(node):
            yield node, place, inside
            yield from _walk(_children(node), place, inside)


def _children(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.AnnAssign):
        return [node.value] if node.value else []
    if isinstance(node, ast.JoinedStr):
        return []
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "TypeVar":
        return []
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
        return list(node.args[:1])
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast":
        return list(node.args[1:])
    return list(ast.iter_child_nodes(node))


def _is_words(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_types(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return TYPE_CHECKING in ast.unparse(node.test)
    if isinstance(node, ast.Assign):
        names = {ast.unparse(target) for target in node.targets}
        return bool(names & {"__slots__", "__all__"}) or _is_type(node.value)
    return False


def _is_type(node: ast.AST) -> bool:
    """`Json = dict[str, Any]`, `Answer = Found | None`: a name for a type."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _is_type(node.left) or _is_type(node.right)
    if isinstance(node, ast.Subscript):
        named = ast.unparse(node.value)
        return named in _OF_TYPES
    return isinstance(node, ast.Constant) and node.value is None


def _variants(node: ast.AST) -> list[ast.AST | None]:
    """Give what a node may become; None: nothing (a statement that is left out)."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            return [_with(node, ops=[COMPARISONS[type(op)]()])]
        case ast.BoolOp(op=ast.And()):
            return [_with(node, op=ast.Or())]
        case ast.BoolOp(op=ast.Or()):
            return [_with(node, op=ast.And())]
        case ast.UnaryOp(op=ast.Not()):
            return [node.operand]
        case ast.BinOp(op=op) if type(op) in ARITHMETIC and not _makes_text(node):
            return [_with(node, op=ARITHMETIC[type(op)]())]
        case ast.Constant(value=value):
            return _constants(value)
        case ast.IfExp():
            return [_with(node, body=node.orelse, orelse=node.body)]
    return _statements(node)


def _statements(node: ast.AST) -> list[ast.AST | None]:
    match node:
        case ast.If(test=test) | ast.While(test=test):
            inverted = ast.UnaryOp(ast.Not(), test)
            # A comparison or a `not` is turned round where it stands.
            plain = isinstance(
                test, ast.Name | ast.Call | ast.Attribute | ast.NamedExpr | ast.Await
            )
            return [_with(node, test=inverted)] if plain else []
        case ast.Return(value=ast.expr() as value):
            bare = isinstance(value, ast.Constant)
            return [] if bare else [_with(node, value=ast.Constant(None))]
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise() | ast.AugAssign():
            return [None]
        case ast.Continue():
            return [ast.Break()]
        case ast.Break():
            return [ast.Continue()]
    return []


def _constants(value: object) -> list[ast.AST | None]:
    if isinstance(value, bool):
        return [ast.Constant(not value)]
    if isinstance(value, int | float):
        return [ast.Constant(value + 1)]
    if isinstance(value, str | bytes) and value and not _is_sentence(value):
        more = "?" if isinstance(value, str) else b"?"
        return [ast.Constant(value + more)]  # type: ignore[operator]
    return []


def _is_sentence(value: str | bytes) -> bool:
    return (" " if isinstance(value, str) else b" ") in value.strip()  # type: ignore[operator]


def _makes_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def _with(node: ast.AST, **fields: Any) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _short(node: ast.AST) -> str:
    """Give a node's text in one line; of a block, its head."""
    head = ast.unparse(node).partition("\n")[0]
    return head if len(head) <= 90 else f"{head[:87]}..."
