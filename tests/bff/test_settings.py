"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from bff.settings import Settings, as_markdown, explain

URL = {"auth_url": "http://keystone/v3"}


def test_a_setting_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_AUTH_URL", "https://cloud.example/v3")
    monkeypatch.setenv("BFF_ALLOWED_ORIGINS", "https://a.example/, https://b.example")
    monkeypatch.setenv("BFF_REGION", "")
    settings = Settings()
    assert str(settings.auth_url) == "https://cloud.example/v3"
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert settings.region is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefix": "no-slash"},
        {"prefix": "/ends/"},
        {"prefix": "/"},
        {"max_batch": 0},
        {"batch_concurrency": 0},
        {"token_cache_seconds": 61},
        {"call_timeout": 0},
        {"interface": "outer"},
        {"glance_url": "glance"},
        {"secret_keys": "short"},
        {"log_format": "xml"},
        {"allowed_origins": "*"},
        {"allowed_origins": "null"},
        {"allowed_origins": "https://*.example"},
        {"allowed_origins": "https://a.example, https://b.example/path"},
        {"allowed_origins": "https://A.example"},
    ],
)
def test_a_wrong_value_is_refused_under_its_variables_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(**URL, **wrong)  # type: ignore[arg-type]
    (name,) = wrong
    assert explain(refusal.value).startswith(f"BFF_{name.upper()}: ")


def test_a_folder_in_which_nothing_may_be_written_holds_no_waiting_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Root may write anywhere, and containers run tests as root.
    monkeypatch.setattr("bff.settings.os.access", lambda _path, _mode: False)
    with pytest.raises(ValidationError) as refusal:
        Settings(**URL, spool_dir=tmp_path)  # type: ignore[arg-type]
    assert explain(refusal.value).startswith("BFF_SPOOL_DIR: ")
    assert "may not write there" in explain(refusal.value)


@pytest.mark.parametrize(
    "origin",
    ["https://a.example:8443", "http://localhost:3000", "http://[::1]:80", "app://polaris"],
)
def test_an_origin_is_written_as_browsers_send_it(origin: str) -> None:
    settings = Settings(**URL, allowed_origins=origin)  # type: ignore[arg-type]
    assert settings.allowed_origins == (origin,)


def test_the_usual_variable_names_the_authorities_where_ours_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual, ours = tmp_path / "usual.pem", tmp_path / "ours.pem"
    usual.touch()
    ours.touch()
    assert Settings(**URL).ca_file is None  # type: ignore[arg-type]
    monkeypatch.setenv("OS_CACERT", str(usual))
    assert Settings(**URL).ca_file == usual  # type: ignore[arg-type]
    monkeypatch.setenv("BFF_CA_FILE", str(ours))
    assert Settings(**URL).ca_file == ours  # type: ignore[arg-type]


def test_keys_are_several_and_never_shown() -> None:
    first, second = (Fernet.generate_key().decode() for _ in range(2))
    settings = Settings(**URL, secret_keys=f"{first} ,{second}")  # type: ignore[arg-type]
    assert settings.fernet_keys == [first, second]
    assert first not in repr(settings)


@pytest.mark.parametrize("joint", ["\n", ",", ", ", "\r\n\n"])
def test_keys_may_be_in_a_file(joint: str, tmp_path: Path) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    file = tmp_path / "keys"
    file.write_bytes(joint.join([*keys, ""]).encode())
    settings = Settings(**URL, secret_keys_file=str(file))  # type: ignore[arg-type]
    assert settings.fernet_keys == keys
    assert keys[0] not in repr(settings)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "must be a file that holds a key"),
        (b"\n ,\n", "must be a file that holds a key"),
        (None, "must be a file that holds a key"),
        (b"short", "must be 32 bytes in URL-safe base64"),
        (b"\xff\xfe", "is no text"),
    ],
)
def test_a_wrong_file_of_keys_is_told_without_what_it_holds(
    content: bytes | None, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValidationError) as refusal:
        Settings(**URL, secret_keys_file=str(file))  # type: ignore[arg-type]
    told = explain(refusal.value)
    assert told.startswith("BFF_SECRET_KEYS_FILE: ")
    assert says in told
    assert "short" not in told


def test_keys_are_in_one_place(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="set this or BFF_SECRET_KEYS, not both"):
        Settings(**URL, secret_keys=Fernet.generate_key().decode(), secret_keys_file="keys")  # type: ignore[arg-type]


def test_the_page_names_every_setting_with_its_meaning() -> None:
    page = as_markdown()
    for name, field in Settings.model_fields.items():
        assert f"| `BFF_{name.upper()}` | " in page
        assert field.description


@pytest.mark.parametrize("end", ["?a=b", "#a", "?", "/v3?a"])
def test_keystones_address_has_no_query_and_no_fragment(end: str) -> None:
    with pytest.raises(ValidationError, match="no query and no fragment"):
        Settings(auth_url=f"https://cloud.example{end}")
