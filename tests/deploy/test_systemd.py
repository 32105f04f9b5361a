"""The unit of systemd: what systemd itself says of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import SETTINGS, seconds_to_stop, text
from tests.deploy.proxies import changed, program

UNIT = text("systemd/polaris-bff.service")
# systemd-analyze's exposure times ten; most services of a distribution have over 90.
MOST_EXPOSURE = 15


def analyzed(unit: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze on a unit whose programs are others, that are here."""
    path = folder / "polaris-bff.service"
    here = ("/opt/polaris-bff/bin/bff ", "/bin/true "), ("/bin/kill ", "/bin/true ")
    path.write_text(changed(unit, *here))
    return subprocess.run(
        [program("systemd-analyze"), *words, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )


def test_systemd_takes_every_line(tmp_path: Path) -> None:
    done = analyzed(UNIT, tmp_path, "verify")
    assert (done.returncode, done.stdout) == (0, "")
    wrong = analyzed(UNIT.replace("DynamicUser", "DynamicUsr"), tmp_path, "verify")
    assert "DynamicUsr" in wrong.stdout


@pytest.mark.parametrize("without", ["", "DynamicUser=yes\nCapabilityBoundingSet=\n"])
def test_it_can_reach_little_of_the_machine(tmp_path: Path, without: str) -> None:
    unit = UNIT
    for line in without.splitlines(keepends=True):
        unit = changed(unit, (line, ""))
    words = ("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", "--no-pager")
    done = analyzed(unit, tmp_path, *words)
    assert (done.returncode == 0) == (not without), done.stdout


def test_its_settings_are_known_and_a_stop_has_the_time_that_they_give() -> None:
    settings = dict(re.findall(r"^(?:# )?Environment=(BFF_[A-Z_]+)=(.*)$", UNIT, re.MULTILINE))
    assert set(settings) <= SETTINGS
    [limit] = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(limit) > seconds_to_stop(settings) + 10


def test_no_secret_is_in_the_unit_and_a_reload_asks_the_process_that_started_the_workers() -> None:
    assert "SECRET_KEYS=" not in UNIT
    assert "EnvironmentFile=/etc/polaris-bff/bff.env" in UNIT
    assert "ExecReload=/bin/kill -HUP $MAINPID" in UNIT


def test_what_a_reload_takes_is_read_by_the_service_itself() -> None:
    """systemd copies credentials, and reads the environment, at a start alone."""
    files = re.findall(r"Environment=BFF_(\w+)=/etc/polaris-bff/", UNIT)
    assert files == ["SECRET_KEYS_FILE", "CLIENT_CERT", "CLIENT_KEY", "CA_FILE"]
    assert "\nLoadCredential" not in UNIT
    [group] = re.findall(r"^SupplementaryGroups=(.*)$", UNIT, re.MULTILINE)
    assert f"groupadd --system {group} " in text("README.md")
