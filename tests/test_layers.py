"""The architecture's rooms, read from the imports: layers go one way and there is no cycle."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from dataclasses import FrozenInstanceError
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from typing import get_type_hints

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.module_state import CONSTANTS, FROZEN, STATE, state_in, statements

ROOT = Path(__file__).parent.parent
PRODUCT = ("bff", "procedures", "schemas")
OURS = (*PRODUCT, "devcloud", "bench", "tests")
# The first room that a module's name begins with decides what it may import.
GROUND = {
    "bff.errors",
    "bff.ids",
    "bff.log_fields",
    "bff.logs",
    "bff.request_headers",
    "bff.settings",
    "bff.timers",
    "schemas",
}
ROOMS = {
    "bff.asgi": {"bff", "procedures", "schemas"},  # the composition root
    "bff.audit_file": set(),
    "bff.errors": {"schemas"},
    "bff.ids": {"bff.errors", "schemas"},
    "bff.line_writer": set(),
    "bff.request_headers": set(),
    "bff.log_fields": set(),
    "bff.timers": set(),
    "bff.logs": {"bff.settings", "bff.audit_file", "bff.line_writer", "bff.log_fields"},
    "bff.settings": {"bff.audit_file"},
    "bff.server": {
        "bff.server",
        "bff.errors",
        "bff.log_fields",
        "bff.logs",
        "bff.request_headers",
        "bff.timers",
        "schemas",
    },
    "bff.openstack": {"bff.openstack", "bff.errors", "bff.log_fields", "bff.timers", "schemas"},
    "bff.session": {"bff.session", "bff.openstack", *GROUND},
    "bff.rpc": {"bff.rpc", "bff.session", "bff.server", *GROUND},
    "bff.contract": {
        *("bff.contract", "bff.rpc.registry", "bff.session.context", "bff.__version__", *GROUND),
    },
    "bff.progress": {"bff.progress", "bff.session", "bff.server", *GROUND},
    "bff.upload": {"bff.upload", "bff.progress", "bff.session", "bff.server", *GROUND},
    "bff.explorer": set(),
    "bff": {"bff", "schemas"},
    "procedures": {
        *("procedures", "schemas", "bff.errors"),
        *("bff.session.context", "bff.rpc.registry", "bff.rpc.bulk", "bff.rpc.dry_run"),
        "bff.upload.inline",
    },
    "schemas": {"schemas"},
    "devcloud": {"devcloud"},
    "bench": {"bench", "bff", "procedures", "schemas", "devcloud"},
    "tests.bench": {"bench"},  # nothing else of the tests measures
    "tests": {"tests", "bff", "procedures", "schemas", "devcloud"},
}
ONLY_IN = {
    "aiohttp": {"bff.openstack"},
    "jsonrpcserver": {"bff.rpc.jsonrpc"},
    "prometheus_client": {"bff.server.metrics", "bff.server.exposition"},
    "opentelemetry": {"bff.tracing"},
    "python_multipart": {"bff.upload.multipart"},
    "redis": {"bff.progress.redis", "bff.session.redis_attempts", "bff.settings"},
}
# State that has its reason to be there.
NEEDED = {
    ("bff.log_fields", "_fields"),  # each task's own; only a module may have one
    ("bff.openstack.connector", "last_connection"),  # as the one before
    ("bff.rpc.call", "_run"),  # functions around a function
}


def modules() -> dict[str, Path]:
    files = (path for room in OURS for path in (ROOT / room).rglob("*.py"))
    ours = (path.relative_to(ROOT) for path in files if "node_modules" not in path.parts)
    return {".".join(path.with_suffix("").parts): ROOT / path for path in ours}


@cache
def imports(path: Path) -> set[str]:
    """Return what a module imports; read when it is asked for, not while tests are collected."""
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inside(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


MODULES = modules()
OF_THE_PRODUCT = {name for name in MODULES if name.split(".")[0] in PRODUCT}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_its_room_allows(name: str) -> None:
    allowed = next(rooms for room, rooms in ROOMS.items() if inside(name, room))
    ours = {wanted for wanted in imports(MODULES[name]) if wanted.split(".")[0] in OURS}
    strangers = {wanted for wanted in ours if not any(inside(wanted, room) for room in allowed)}
    assert not strangers


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_used_in_its_rooms_only(library: str) -> None:
    # Whoever measures from outside may use any client.
    wanted = {name: imports(MODULES[name]) for name in OF_THE_PRODUCT}
    users = {name for name, found in wanted.items() if any(inside(w, library) for w in found)}
    assert users
    assert all(any(inside(user, room) for room in ONLY_IN[library]) for user in users)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_the_table_has_a_module(room: str) -> None:
    assert any(inside(name, room) for name in MODULES)


def test_there_is_no_import_cycle() -> None:
    def owner(wanted: str) -> str | None:
        # `from package import name` may mean a module of that name, or a name in the package.
        candidates = (wanted, wanted.rpartition(".")[0], f"{wanted}.__init__")
        known = [*candidates, f"{candidates[1]}.__init__"]
        return next((name for name in known if name in MODULES), None)

    edges = {
        name: {target for w in imports(path) if (target := owner(w)) and target != name}
        for name, path in MODULES.items()
    }
    TopologicalSorter(edges).prepare()  # raises CycleError, naming the cycle


@pytest.mark.parametrize("name", sorted(OF_THE_PRODUCT))
def test_no_module_has_state_of_its_own(name: str) -> None:
    found = state_in(MODULES[name].read_text(), name)
    lines = [f"{name}:{line}" for line in found]
    known = [f"{name}:{line}" for line in found if (name, name_in(line)) in NEEDED]
    assert lines == known


def name_in(line: str) -> str:
    """Return the name that a line of ``state_in`` assigns."""
    return re.split(r"[ :=]+", line)[1]


def test_whatever_is_let_through_is_there() -> None:
    for module, name in NEEDED:
        found = state_in(MODULES[module].read_text(), module)
        assert name in map(name_in, found)


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_what_the_list_of_ours_says_is_frozen(name: str) -> None:
    module, _, member = name.rpartition(".")
    made = getattr(import_module(module), member)
    kind = made if isinstance(made, type) else get_type_hints(made)["return"]
    with pytest.raises(FrozenInstanceError):
        object.__new__(kind).anything = 1


@pytest.mark.parametrize("snippet", STATE)
def test_state_is_found_by_its_line(snippet: str) -> None:
    found = state_in(f"from __future__ import annotations\n{snippet}")
    assert len(found) == 1


@pytest.mark.parametrize("snippet", CONSTANTS)
def test_a_constant_is_no_state(snippet: str) -> None:
    assert state_in(snippet, "bff.m") == []


# `import {…} from "./x"`, `export … from "./x"`, `import "./x"`, `import("./x")`; types count too.
FROM = re.compile(
    r"""^\s*(?:import|export)\b[^"';=]*?["'](\.[^"']*)["']|\bimport\(\s*["'](\.[^"']*)["']""",
    re.MULTILINE,
)
COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)


def typescript(folder: Path) -> dict[Path, set[Path]]:
    """Return the modules of a TypeScript tree, and which of its own each one imports."""
    graph: dict[Path, set[Path]] = {}
    for path in folder.rglob("*.ts"):
        source = COMMENT.sub("", path.read_text())
        wanted = {(path.parent / (a or b)).resolve() for a, b in FROM.findall(source)}
        targets = {w.with_suffix(".ts") if w.suffix == ".js" else w for w in wanted}
        graph[path.resolve()] = {
            next(t for t in (w, Path(f"{w}.ts"), w / "index.ts") if t.is_file()) for w in targets
        }
    return graph


@pytest.mark.parametrize("folder", ["explorer/src", "clients/typescript/src"])
def test_there_is_no_import_cycle_in_typescript(folder: str) -> None:
    graph = typescript(ROOT / folder)
    assert any(graph.values())
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    "line",
    [
        'import { a } from "./a"',
        "import {\n  a,\n  type B,\n} from './a'",
        'import * as a from "./a.js";',
        'import type { A } from "./a.ts"',
        'import "./a"',
        'export * from "./a"',
        'export type { A } from "../src/a"',
        'const a = await import("./a")',
    ],
)
def test_an_import_cycle_in_typescript_is_found(tmp_path: Path, line: str) -> None:
    source = tmp_path / "src"
    (source / "b").mkdir(parents=True)
    (source / "a.ts").write_text('import { b } from "./b"\nexport const a = b\n')
    (source / "b" / "index.ts").write_text('import { c } from "../c"\nexport const b = c\n')
    closing = source / "c.ts"
    closing.write_text(f'// {line}\n/* {line} */\nimport {{ x }} from "x"\nexport const c = x\n')
    TopologicalSorter(typescript(source)).prepare()
    closing.write_text(f"// The cycle's end.\n{line}\nexport const c = 1\n")
    with pytest.raises(CycleError):
        TopologicalSorter(typescript(source)).prepare()


def test_every_package_that_is_imported_is_declared() -> None:
    """What a dependency brings along may go with its next version."""
    distributions = packages_distributions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    imported = {
        wanted.split(".")[0] for name in OF_THE_PRODUCT for wanted in imports(MODULES[name])
    }
    since_python_3_14 = {"compression"}
    foreign = imported - sys.stdlib_module_names - since_python_3_14 - set(OURS)
    assert "yarl" in foreign
    brought = {name: set(map(canonicalize_name, distributions[name])) for name in foreign}
    assert {name for name in foreign if not declared & brought[name]} == set()
