"""Where a fault can be put into a source file: one `Site` for each small change of one expression
or statement.

Left alone are docstrings, messages, annotations, defaults of arguments, logging and `__repr__`.
"""

import ast
import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import NamedTuple

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
OPPOSITES = {
    one: other
    for pair in (
        ("min", "max"),
        ("any", "all"),
        ("argmin", "argmax"),
        ("minimum", "maximum"),
        ("floor", "ceil"),
        ("first", "last"),
    )
    for one, other in (pair, pair[::-1])
}
_SPEAKING = {"log", "_log", "logger", "logging", "warnings"}


class Where(NamedTuple):
    """The function, or the module's constant, in which something is changed."""

    function: str
    first: int
    code: str


@dataclass(frozen=True)
class Site:
    """One change.

    Attributes:
        function: qualified name of the outermost function, or of the module's constant.
        first: that function's first line, decorators included, as in `co_firstlineno`; 0 for a
            constant.
        code: digest of that function or constant.
        line: first line of the statement that is changed.
        kind: comparison, arithmetic, constant, boolean, condition, returned, removed, slice or
            opposite.
        parent, field, place, new: where the new node goes: `parent.field`, or its element `place`.
    """

    function: str
    first: int
    code: str
    line: int
    kind: str
    before: str
    after: str
    parent: ast.AST
    field: str
    place: int | None
    new: ast.AST

    @property
    def constant(self) -> bool:
        """Whether it is a module's number that is changed, and no function."""
        return self.first == 0


def sites(tree: ast.Module) -> list[Site]:
    """Every change that can be made, always in the same order."""
    found = [*_constants(tree)]
    for function, name in functions(tree):
        found += _in_function(function, name)
    return found


def digest(node: ast.AST) -> str:
    """What a function or statement is known by, whatever its layout and comments."""
    return hashlib.sha256(ast.unparse(node).encode()).hexdigest()[:12]


def functions(tree: ast.Module) -> list[tuple[ast.FunctionDef, str]]:
    """The outermost functions and methods with their qualified names."""
    return list(_functions(tree, ""))


def first_line(function: ast.FunctionDef) -> int:
    """As in `co_firstlineno`: decorators belong to it."""
    return min([function.lineno, *(d.lineno for d in function.decorator_list)])


def changed(source: str, number: int) -> ast.Module:
    """The source's tree with the change `number` of `sites`."""
    tree = ast.parse(source)
    site = sites(tree)[number]
    ast.copy_location(site.new, _present(site))
    if site.place is None:
        setattr(site.parent, site.field, site.new)
    else:
        getattr(site.parent, site.field)[site.place] = site.new
    return ast.fix_missing_locations(tree)


def code_of(module: CodeType, function: str, first: int) -> CodeType:
    """The code of an outermost function within its module's.

    Raises:
        LookupError: if there is none.
    """
    inner = [one for one in module.co_consts if isinstance(one, CodeType)]
    for one in inner:
        if one.co_qualname == function and one.co_firstlineno == first:
            return one
    for one in inner:
        if function.startswith(f"{one.co_qualname}."):
            try:
                return code_of(one, function, first)
            except LookupError:
                continue
    raise LookupError(function)


def number(tree: ast.Module, name: str) -> ast.expr:
    """What a module gives the name of a number to."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if isinstance(targets[0], ast.Name) and targets[0].id == name:
                return statement.value
    raise LookupError(name)


def _present(site: Site) -> ast.AST:
    value = getattr(site.parent, site.field)
    found: ast.AST = value if site.place is None else value[site.place]
    return found


def _functions(node: ast.AST, within: str) -> Iterator[tuple[ast.FunctionDef, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            if child.name != "__repr__":
                yield child, within + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{within}{child.name}.")
        elif isinstance(child, ast.If | ast.Try):
            yield from _functions(child, within)


def _constants(tree: ast.Module) -> Iterator[Site]:
    """Numbers that a module gives a name to."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target = statement.target
        else:
            continue
        value = statement.value
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant | ast.BinOp):
            numbers = [n for n in ast.walk(value) if isinstance(n, ast.Constant)]
            if all(type(n.value) in (int, float) for n in numbers):
                for parent, field, place, node in _slots(statement):
                    if field == "value" or parent is not statement:
                        where = Where(target.id, 0, digest(statement))
                        yield from _sites_of(node, statement, where, parent, field, place)


def _in_function(function: ast.FunctionDef, name: str) -> Iterator[Site]:
    where = Where(name, first_line(function), digest(function))
    for number, statement in enumerate(function.body):
        if number == 0 and _is_text(statement):
            continue
        yield from _in_statement(statement, where, function, "body", number)


def _in_statement(
    statement: ast.stmt, where: Where, parent: ast.AST, field: str, place: int
) -> Iterator[Site]:
    def site(kind: str, new: ast.AST) -> Site:
        before, after = ast.unparse(statement), ast.unparse(new)
        return Site(*where, statement.lineno, kind, before, after, parent, field, place, new)

    if isinstance(statement, ast.Raise):
        yield site("removed", ast.Pass())
        return
    if isinstance(statement, ast.Assert | ast.ClassDef | ast.Import | ast.ImportFrom):
        return
    if isinstance(statement, ast.Expr) and _is_text(statement):
        return
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        if _speaks(statement.value):
            return
        yield site("removed", ast.Pass())
    if isinstance(statement, ast.AugAssign):
        yield site("removed", ast.Pass())
    if isinstance(statement, ast.Break):
        yield site("condition", ast.Continue())
    if isinstance(statement, ast.Continue):
        yield site("condition", ast.Break())
    for below, slot, index, node in _slots(statement):
        if isinstance(node, ast.stmt):
            yield from _in_statement(node, where, below, slot, index or 0)
        else:
            yield from _sites_of(node, statement, where, below, slot, index)


def _slots(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every place below a statement down to the next statements, messages and types left out."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "args") and isinstance(
            node, ast.FunctionDef | ast.Lambda | ast.arg | ast.AnnAssign
        ):
            continue
        for place, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            yield node, field, place, child
            if not isinstance(child, ast.stmt) and not _speaks(child):
                yield from _slots(child)


def _sites_of(
    node: ast.AST,
    statement: ast.stmt,
    where: Where,
    parent: ast.AST,
    field: str,
    place: int | None,
) -> Iterator[Site]:
    for kind, new in _changes(node, parent, field):
        before, after = ast.unparse(node), ast.unparse(new)
        if before != after:
            yield Site(*where, statement.lineno, kind, before, after, parent, field, place, new)


def _changes(node: ast.AST, parent: ast.AST, field: str) -> Iterator[tuple[str, ast.AST]]:
    if field == "test" and isinstance(parent, ast.If | ast.IfExp | ast.While):
        yield "condition", ast.Constant(False)
        if not isinstance(parent, ast.While):
            yield "condition", ast.Constant(True)
    if field == "ifs" and isinstance(parent, ast.comprehension):
        yield "condition", ast.Constant(True)
    if field == "value" and isinstance(parent, ast.Return):
        yield from _returned(node)
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.BinOp):
        yield from _calculated(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "boolean", ast.BoolOp(other, node.values)
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not | ast.USub) and not isinstance(node.operand, ast.Constant):
            yield ("boolean" if isinstance(node.op, ast.Not) else "arithmetic"), node.operand
    elif isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.Slice):
        yield from _sliced(node)
    elif isinstance(node, ast.Call):
        yield from _called(node)


def _returned(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    ):
        yield "returned", ast.Constant(True)
        yield "returned", ast.Constant(False)


def _compared(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    for number, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            new = copy.deepcopy(node)
            new.ops[number] = other()
            yield "comparison", new


def _calculated(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    other = ARITHMETIC.get(type(node.op))
    if other is not None and not any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    ):
        yield "arithmetic", ast.BinOp(node.left, other(), node.right)


def _constant(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant", ast.Constant(value + 1)
        if value:
            yield "constant", ast.Constant(value - 1)
    elif isinstance(value, float):
        yield "constant", ast.Constant(value * 1.1 if value else 1.0)


def _sliced(node: ast.Slice) -> Iterator[tuple[str, ast.AST]]:
    if node.lower is not None:
        yield "slice", ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield "slice", ast.Slice(node.lower, None, node.step)


def _called(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    called = _last_name(node.func)
    if called in OPPOSITES:
        new = copy.deepcopy(node)
        if isinstance(new.func, ast.Attribute):
            new.func.attr = OPPOSITES[called]
        elif isinstance(new.func, ast.Name):
            new.func.id = OPPOSITES[called]
        yield "opposite", new


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _speaks(node: ast.AST) -> bool:
    """Whether this is a call that writes a log or warns."""
    if not isinstance(node, ast.Call):
        return False
    root: ast.AST = node.func
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in _SPEAKING


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
