"""Finds what a module keeps for as long as its process lives and may change: its state.

A name of a module or of a class is a constant when its value is one: a literal that cannot change,
another name, a type, a function, or what one of the ``CONSTRUCTORS`` returns. A dictionary, a list
or a set is one when its name is in capitals and its annotation has no methods to change it
(``Mapping``), which mypy then holds. Everything else is state. Defaults of arguments are ruff's
(B006, B008).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

READ_ONLY = {"Mapping", "Sequence", "Collection", "Set"}
CHANGEABLE = {"dict", "list", "set", "MutableMapping", "MutableSequence", "MutableSet"}
CONSTRUCTORS = {
    *("frozenset", "tuple", "range", "len", "types.MappingProxyType", "typing.get_args"),
    *("re.compile", "struct.Struct", "pathlib.Path", "datetime.timedelta"),
    *("logging.getLogger", "structlog.get_logger"),
    *("typing.TypeVar", "typing.ParamSpec", "typing.NewType", "typing.NamedTuple"),
    # They describe a class and are not its attributes afterwards; pydantic copies its defaults.
    *("dataclasses.field", "pydantic.Field", "pydantic.ConfigDict", "pydantic.TypeAdapter"),
    "pydantic_settings.SettingsConfigDict",
}
# Ours: frozen, or they return what is; `test_layers` looks.
FROZEN = {
    "bff.openstack.failure.OwnErrors",
    "bff.openstack.exchange.Operation",
    "bff.rpc.registry.mutation",
    "bff.rpc.registry.query",
    "bff.server.metrics.Metric",
    "bff.session.sessions.ExpectedSession",
    "schemas.keystone.DomainKey",
}
# Of strings and paths.
METHODS = {"encode", "join", "resolve"}
DISPLAYS = (ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)
PARTS = (
    *(ast.Tuple, ast.Starred, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.JoinedStr, ast.FormattedValue),
)
# Each is found, once.
STATE = [
    *("cache = {}", "CACHE = {}", "CACHE = []", "CACHE = {1}", "a = b = []"),
    *("cache: dict[str, int] = {}", "CACHE: dict[str, int] = {}", "cache: Mapping[str, int] = {}"),
    "TABLE: Mapping[str, list[int]] = {'a': []}",
    "TABLE: Mapping[str, object] = {'a': Lock()}",
    "TABLE: Sequence[object] = [{'a': Lock()}]",
    *("x = SomeClass()", "x = dict()", "x: Any = list()", "x = module.connect()", "x = make()()"),
    "from collections import defaultdict\nx = defaultdict(list)",
    "import collections as c\nx = c.deque()",
    "import asyncio\nLOCK = asyncio.Lock()",
    "from contextvars import ContextVar\nx: ContextVar[int] = ContextVar('x')",
    "from itertools import count\n_ids = count()",
    *("x = [n for n in y]", "x = {n for n in y}", "x = {n: n for n in y}", "x = (n for n in y)"),
    *("X = 0\nX += 1", "NAMES += ('a',)", "a, b = [], 0", "a, b = {}, []", "a, *b = names"),
    *("X = ([], [])", "X = [0] * 3", "X = {} or None", "X = {'a': []}['a']", "X = 1 if y else []"),
    *("X = tuple(Lock() for _ in y)", "X = SomeClass().name", "X = 'a b'.split()"),
    *("print(x := [])", "if (x := make()):\n    pass", "X = (y := 1)"),
    *("if y:\n    x = {}", "if y:\n    pass\nelse:\n    x = {}", "while y:\n    x = []"),
    "try:\n    x = {}\nexcept KeyError:\n    pass",
    "try:\n    pass\nexcept KeyError:\n    x = {}",
    "try:\n    pass\nfinally:\n    x = {}",
    *("with y:\n    x = {}", "with y as x:\n    pass", "for x in y:\n    pass"),
    "match y:\n    case 1:\n        x = {}",
    *("class A:\n    x = []", "class A:\n    x: ClassVar[dict[str, int]] = {}"),
    "class A:\n    class B:\n        x = set()",
    "class A:\n    if y:\n        x = SomeClass()",
    *("TABLE['a'] = 1", "module.name = 1", "del TABLE['a']"),
    *("def f():\n    global x", "class A:\n    async def f(self):\n        global x"),
    "def f():\n    globals()['x'] = 1",
    "from functools import cache\n@cache\ndef f(): ...",
    "from functools import lru_cache as memo\n@memo(maxsize=3)\ndef f(): ...",
    "import functools\nclass A:\n    @functools.lru_cache\n    def f(self): ...",
    "import functools\nx = functools.cache(f)",
    "def Field(): ...\nX = Field()",
]
# None of them is.
CONSTANTS = [
    *("X = 1", "x = 'a'", "X = -1", "X = 64 * 1024", "X: int = 1", "x: int", "X = f'{Y} z'"),
    *("X = ('a', (1, 2), *OTHERS)", "X, Y = 1, 2", "X = frozenset({1})", "X = Y - frozenset({1})"),
    *(
        "X = frozenset(y.keys() | {1})",
        "X = tuple(n.encode() for n in Y)",
        "X = '; '.join((Y, 'z'))",
    ),
    *(
        "__all__ = ['x']",
        "X = Y",
        "x = lambda: []",
        "X = Y.z",
        "X = Y['z']",
        "X = 1 if Y else None",
    ),
    "TABLE: Mapping[str, int] = {'a': 1, **OTHERS}",
    "TABLE: Mapping[str, Sequence[str]] = {'a': ['b'], 'c': ('d',)}",
    "class A:\n    NAMES: ClassVar[Mapping[str, int]] = {'a': 1}",
    *("X: Sequence[str] = ['a']", "X: Set[str] = {'a'}", "X: Final[Set[str]] = {'a'}"),
    "from types import MappingProxyType as Proxy\nx = Proxy({'a': 1})",
    *("import re\nx = re.compile('a')", "import struct\nx = struct.Struct('<I')"),
    *(
        "import structlog\nlog = structlog.get_logger('a')",
        "import logging as l\nx = l.getLogger()",
    ),
    *("Json = dict[str, Any]", "Step = Callable[[int], None]", "X = int | None"),
    "Text = Annotated[str, AfterValidator(check)]",
    *(
        "from typing import TypeVar\nT = TypeVar('T')",
        "from typing import NewType\nA = NewType('A', int)",
    ),
    "from typing import NamedTuple\nclass A(NamedTuple):\n    x: int = 1",
    "from dataclasses import field\nclass A:\n    x: list[int] = field(default_factory=list)",
    "from pydantic import TypeAdapter\nX = TypeAdapter(list[int])",
    "from pydantic import Field\nclass A:\n    x: list[int] = Field(default=[], max_length=3)",
    "from pathlib import Path\nHERE = Path(__file__).resolve().parent / 'page'",
    "from bff.openstack.exchange import Operation\nLIST = Operation('list images')",
    "from functools import cached_property\nclass A:\n    @cached_property\n    def f(self): ...",
    "def f():\n    x = []\n    x += [1]\n    self.y = {}\n    return [z for y in x if (z := y)]",
    *("if TYPE_CHECKING:\n    import a", "with suppress(ImportError):\n    import a", "app()"),
]

Found = ast.stmt | ast.expr
Function = ast.FunctionDef | ast.AsyncFunctionDef


def state_in(source: str, module: str = "module") -> list[str]:
    """Return the state of a module and of its classes, each as ``line: statement``."""
    tree = ast.parse(source)
    finder = _Finder(_imported(tree) | _defined(tree, module))
    found = {node.lineno: ast.unparse(node).splitlines()[0] for node in finder.of(tree)}
    return [f"{line}: {statement}" for line, statement in sorted(found.items())]


def statements(of: ast.AST) -> Iterator[ast.AST]:
    """Yield every statement of a module; to go through all expressions takes ten times as long."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for part in getattr(of, name, ()):
            yield part
            yield from statements(part)


def _imported(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in statements(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _defined(tree: ast.Module, module: str) -> dict[str, str]:
    made = (node for node in tree.body if isinstance(node, ast.ClassDef | Function))
    return {node.name: f"{module}.{node.name}" for node in made}


class _Finder:
    """Looks for state, with what the names of a module mean.

    Args:
        names: What was imported or defined, with its module's name.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def of(self, tree: ast.Module) -> Iterator[Found]:
        """Yield the statements that make state, and the expressions that do."""
        yield from self._of_body(tree.body)
        for node in ast.walk(tree):
            match node:
                case ast.Global():
                    yield node
                case ast.Call() if self._full_name(node.func) == "globals":
                    yield node
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield from (d for d in node.decorator_list if self._is_cache(d))

    def _of_body(self, body: list[ast.stmt]) -> Iterator[Found]:
        for node in body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                if not self._is_constant_assignment(node):
                    yield node
            elif isinstance(node, ast.AugAssign | ast.For | ast.Delete) or _binds(node):
                yield node
            if not isinstance(node, Function):
                yield from self._of_inner(node)

    def _of_inner(self, node: ast.AST) -> Iterator[Found]:
        """Look into the blocks of a statement, and for walruses in its expressions."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.NamedExpr):
                yield child
            elif isinstance(child, ast.stmt):
                yield from self._of_body([child])
            elif not isinstance(child, ast.Lambda):
                yield from self._of_inner(child)

    def _is_constant_assignment(self, node: ast.Assign | ast.AnnAssign) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is None:
            return True
        if [ast.unparse(target) for target in targets] == ["__all__"]:
            return True
        if isinstance(node.value, DISPLAYS) and isinstance(node, ast.AnnAssign):
            return _is_read_only(node) and self._has_constants(node.value)
        return all(_is_name(target) for target in targets) and self._is_constant(node.value)

    def _has_constants(self, value: ast.expr) -> bool:
        """Return whether what is in a dictionary, a list or a set are constants, at any depth."""
        inner = [child for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)]
        return all(
            self._has_constants(child) if isinstance(child, DISPLAYS) else self._is_constant(child)
            for child in inner
        )

    def _is_constant(self, value: ast.expr) -> bool:
        match value:
            case ast.Constant() | ast.Name() | ast.Lambda():
                return True
            case ast.Attribute(value=owner) | ast.Subscript(value=owner):
                return self._is_constant(owner)
            case ast.Call():
                return all(self._is_constructor(call) for call in self._calls(value))
        inner = [child for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)]
        return isinstance(value, PARTS) and all(map(self._is_constant, inner))

    def _is_constructor(self, call: ast.Call) -> bool:
        if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
            return True
        return self._full_name(call.func) in CONSTRUCTORS | FROZEN

    def _calls(self, value: ast.AST) -> Iterator[ast.Call]:
        """Yield the calls in an expression, without those that a lambda or a frozenset keeps in."""
        if isinstance(value, ast.Call):
            yield value
        kept = isinstance(value, ast.Call) and self._full_name(value.func) == "frozenset"
        if not kept and not isinstance(value, ast.Lambda):
            for child in ast.iter_child_nodes(value):
                yield from self._calls(child)

    def _is_cache(self, decorator: ast.expr) -> bool:
        made = decorator.func if isinstance(decorator, ast.Call) else decorator
        return self._full_name(made) in {"functools.cache", "functools.lru_cache"}

    def _full_name(self, node: ast.expr) -> str:
        first, dot, rest = ast.unparse(node).partition(".")
        return self._names.get(first, first) + dot + rest


def _binds(node: ast.stmt) -> bool:
    return isinstance(node, ast.With) and any(item.optional_vars for item in node.items)


def _is_name(target: ast.expr) -> bool:
    """Return whether it binds names, and does not change what something else holds."""
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(_is_name, target.elts))
    return isinstance(target, ast.Name)


def _is_read_only(node: ast.AnnAssign) -> bool:
    kind = node.annotation
    if isinstance(kind, ast.Subscript) and ast.unparse(kind.value) in ("ClassVar", "Final"):
        kind = kind.slice
    name = ast.unparse(kind.value if isinstance(kind, ast.Subscript) else kind)
    inner = {part.id for part in ast.walk(kind) if isinstance(part, ast.Name)}
    return ast.unparse(node.target).isupper() and name in READ_ONLY and not inner & CHANGEABLE
