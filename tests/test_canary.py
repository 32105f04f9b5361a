"""The search for secrets finds them: in what tests write and log, in answers, in processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import structlog
from cryptography.fernet import Fernet

from tests.canary import check, check_answer
from tests.fakes.openstack import PASSWORD, FakeOpenStack
from tests.faults.services import PASSWORD as PASSWORD_ON_STAGE
from tests.faults.services import token_of
from tests.process import ROOT, finished, running

SECRETS = (
    *(PASSWORD, PASSWORD_ON_STAGE, token_of("alice"), token_of("bob") + "-unscoped"),
    *(FakeOpenStack().new_token(), Fernet(Fernet.generate_key()).encrypt(b"a cookie").decode()),
)
WAYS = ("print({!r})", "import sys; sys.stderr.write({!r})", "import logging; logging.error({!r})")


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_every_kind_of_secret_is_found_and_not_repeated(secret: str) -> None:
    check("a text", "nothing")
    with pytest.raises(AssertionError) as failed:
        check("a text", f"before {secret} after")
    assert "A secret is in a text, after: before" in str(failed.value)
    assert secret not in str(failed.value)


def test_an_answer_may_set_a_cookie_and_nothing_else() -> None:
    cookie = SECRETS[-1]
    check_answer({"Set-Cookie": cookie}, b"{}")
    for headers, body in (({"X-A": cookie}, b""), ({}, cookie.encode())):
        with pytest.raises(AssertionError, match="A secret is in an answer"):
            check_answer(headers, body)


def test_a_test_that_lets_a_secret_out_fails(tmp_path: Path) -> None:
    lines = [f"def test_{number}():\n    {way}\n" for number, way in enumerate(WAYS)]
    leaking = "".join(lines).format(*[SECRETS[-1]] * len(WAYS))
    tests = tmp_path / "test_leaks.py"
    tests.write_text(f"{leaking}def test_quiet():\n    print('nothing')\n")
    words = ("pytest", "-p", "tests.canary", "-p", "no:cacheprovider", "--show-capture=no")
    # Where CI says so, pytest repeats each message in its summary.
    with running(*words, f"--rootdir={tmp_path}", str(tests), CI="") as process:
        printed, _ = process.communicate(timeout=60)
    assert "3 failed, 1 passed" in printed
    assert printed.count("A secret is in Captured") == 3


def test_a_process_that_lets_a_secret_out_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "leaking.py").write_text(f"print({SECRETS[-1]!r})")
    path = ":".join([str(tmp_path), *sys.path])
    with pytest.raises(AssertionError, match="A secret is in what the process wrote"):
        finished("leaking", PYTHONPATH=path)


def test_a_log_line_is_searched_also_where_a_test_takes_it(request: pytest.FixtureRequest) -> None:
    lines = request.getfixturevalue("logged")
    structlog.get_logger().info("x", secret=SECRETS[0])
    with pytest.raises(AssertionError, match="A secret is in a log line"):
        check("a log line", str(lines))
    lines.clear()


@pytest.mark.parametrize(
    "folder", ["docs", "deploy", "bff/explorer/page", "clients/typescript/src"]
)
def test_no_page_has_a_secret(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert files
    for path in files:
        check(path.name, path.read_text(errors="replace"))
