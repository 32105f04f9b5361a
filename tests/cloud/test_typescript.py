"""The specification's TypeScript, as it stands there, against the real services."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from tests.bff.conftest import Bff
from tests.cloud.conftest import Cloud
from tests.node import CLIENT, run

COMPILER = {
    "target": "ES2024",
    "module": "NodeNext",
    "lib": ["ES2024", "DOM", "DOM.Iterable"],
    "types": ["node"],
    "strict": True,
    # What compiles with it compiles without.
    "exactOptionalPropertyTypes": True,
    "skipLibCheck": True,
    "noEmit": True,
    "allowImportingTsExtensions": True,
}
FILES = ["run.ts", "uploads.ts", "progress.ts", "session.ts", "scripts.ts"]


@pytest.fixture
def project(tmp_path: Path, typescript_client: None) -> Path:
    """Return a project that has the examples, the client and tRPC."""
    for file in (CLIENT / "test" / "specification").iterdir():
        shutil.copy(file, tmp_path)
    modules = tmp_path / "node_modules"
    (modules / "@polaris-bff").mkdir(parents=True)
    (modules / "@polaris-bff" / "client").symlink_to(CLIENT)
    for name in ("@trpc", "@types"):
        (modules / name).symlink_to(CLIENT / "node_modules" / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": COMPILER, "files": FILES})
    )
    return tmp_path


@pytest.mark.parametrize("client", ["thin", "trpc"])
async def test_every_example_of_the_specification_compiles_and_runs(
    client: str, project: Path, bff: Bff, cloud: Cloud
) -> None:
    shutil.copy(project / f"{client}.ts", project / "client.ts")
    run(CLIENT, "tsc", "--project", str(project))
    printed = await node(project / "run.ts", bff, cloud.token("admin", "admin"))
    assert "every example ran" in printed


async def test_an_upload_is_whole_or_refused(project: Path, bff: Bff, cloud: Cloud) -> None:
    printed = await node(
        project / "uploads.ts", bff, cloud.token("alice", cloud.new_project("alice"))
    )
    assert "every upload ended as it should" in printed


async def test_the_progress_of_an_upload_is_told_from_both_ends(
    project: Path, bff: Bff, cloud: Cloud
) -> None:
    printed = await node(
        project / "progress.ts", bff, cloud.token("alice", cloud.new_project("alice"))
    )
    assert "both ends told how far it was" in printed


async def test_calls_and_uploads_run_in_the_session_that_the_page_shows_or_not_at_all(
    project: Path, bff: Bff, cloud: Cloud
) -> None:
    printed = await node(
        project / "session.ts", bff, cloud.token("alice", cloud.new_project("alice"))
    )
    assert "every call ran in the session that was shown" in printed


async def test_a_script_changes_many_images_and_waits_for_one(
    project: Path, bff: Bff, cloud: Cloud
) -> None:
    printed = await node(
        project / "scripts.ts", bff, cloud.token("alice", cloud.new_project("alice"))
    )
    assert "a script did all that it wanted" in printed


async def node(program: Path, bff: Bff, token: str) -> str:
    variables = {"BFF_URL": f"{bff.origin}/polaris-bff", "TOKEN": token}
    return await asyncio.to_thread(run, CLIENT, "node", str(program), **variables)
