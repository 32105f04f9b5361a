"""Settings: environment variables with the prefix ``BFF_``, read and checked once, at the start."""

from __future__ import annotations

import json
import os
import re
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.fernet import Fernet
from pydantic import (
    AnyHttpUrl,
    DirectoryPath,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bff.audit_file import check_can_append

PREFIX = "BFF_"
MIB = 1024 * 1024
GIB = 1024 * MIB

# As browsers write it: in lower case, international names in punycode, without a path.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_ADDRESS = re.compile(
    r"(?:(?P<host>[A-Za-z0-9._-]+)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{1,5})"
)
CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Every setting, with its unit and default; ``docs/settings.md`` is made from it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    auth_url: AnyHttpUrl = Field(
        description=(
            "Keystone's address, with its version or without, as `https://cloud.example/v3` or"
            " `https://cloud.example/identity`. Keystone's version document there is asked at the"
            " first call; nothing is sent to the addresses that it names."
        )
    )
    region: str | None = Field(
        None, description="The region whose Glance is used; the catalog's first when not set."
    )
    interface: Literal["public", "internal", "admin"] = Field(
        "public", description="The catalog's interface through which Glance is called."
    )
    glance_url: AnyHttpUrl | None = Field(
        None, description="Glance's address, instead of the catalog's."
    )
    ca_file: FilePath | None = Field(
        None,
        description=(
            "The PEM file of the authorities that sign Keystone's and Glance's certificates,"
            " instead of the system's; `OS_CACERT` is taken when it is not set. Read again at"
            " SIGHUP."
        ),
    )
    client_cert: FilePath | None = Field(
        None,
        description=(
            "The PEM file of the certificate that is shown to Keystone and Glance. Read again at"
            " SIGHUP, with its key."
        ),
    )
    client_key: FilePath | None = Field(
        None,
        description="The PEM file of its key, without a passphrase, where that is another file.",
    )
    use_proxy: bool = Field(
        False,
        description=(
            "Whether Keystone and Glance are reached through the HTTP proxies that `HTTPS_PROXY`"
            " and `HTTP_PROXY` name, except for the hosts and domains in `NO_PROXY`."
        ),
    )
    prefix: str = Field(
        "/polaris-bff",
        pattern=r"^(/[A-Za-z0-9._~-]+)+$",
        description="The path below which everything is served.",
    )
    max_body: int = Field(
        16 * MIB, ge=1024, description="The largest body of a JSON-RPC request, in bytes."
    )
    max_batch: int = Field(100, ge=1, le=10_000, description="The most calls in a batch.")
    batch_concurrency: int = Field(
        16, ge=1, le=1000, description="How many calls of a batch run at a time."
    )
    max_calls: int = Field(
        400, ge=1, description="How many calls one process runs at a time; others wait."
    )
    max_calls_per_caller: int = Field(
        16,
        ge=1,
        description=(
            "How many of them one caller (a session, a token) has, over all its requests; callers"
            " take turns."
        ),
    )
    bulk_concurrency: int = Field(
        16, ge=1, le=1000, description="How many images a bulk procedure works on at a time."
    )
    max_inline_upload: int = Field(
        8 * MIB, ge=0, description="The most data that `uploadImage` takes over JSON-RPC, in bytes."
    )
    call_timeout: float = Field(60, gt=0, description="The deadline of a call, in seconds.")
    connect_timeout: float = Field(
        5, gt=0, description="How long a connection to Keystone or Glance may take, in seconds."
    )
    upstream_timeout: float = Field(
        30, gt=0, description="How long Keystone or Glance may take to answer, in seconds."
    )
    max_glance_requests: int = Field(
        100,
        ge=1,
        description="How many requests one process sends to Glance at a time, uploads apart.",
    )
    max_keystone_requests: int = Field(
        50, ge=1, description="How many requests one process sends to Keystone at a time."
    )
    max_requests_per_caller: int = Field(
        32, ge=1, description="How many of them are one token's; tokens take turns."
    )
    max_waiting: int = Field(
        1000,
        ge=0,
        description=(
            "How many calls, and how many requests to each service, wait for their turn at most."
        ),
    )
    queue_timeout: float = Field(
        5,
        gt=0,
        description=(
            "How long a call, or a request to a service, waits for others to end, in seconds;"
            " then it fails with SERVICE_UNAVAILABLE."
        ),
    )
    breaker_failures: int = Field(
        20,
        ge=1,
        description="After so many failures in a row, a service is sent nothing for a while.",
    )
    breaker_seconds: float = Field(
        5, gt=0, description="How long it is sent nothing then, in seconds; one request tries."
    )
    max_uploads: int = Field(100, ge=1, description="How many uploads one process takes at a time.")
    max_uploads_per_project: int = Field(
        10, ge=1, description="How many of them are one project's."
    )
    max_upload_bytes: int = Field(
        0, ge=0, description="The largest file that may be uploaded, in bytes; 0: as Glance allows."
    )
    upload_client_timeout: float = Field(
        60,
        gt=0,
        description=(
            "How long a client may send nothing of an upload, in seconds, or less than 1 KiB/s."
        ),
    )
    upload_glance_timeout: float = Field(
        60, gt=0, description="How long Glance may take nothing of an upload, in seconds."
    )
    upload_answer_timeout: float = Field(
        600,
        gt=0,
        description="How long Glance may take to answer after an upload's last byte, in seconds.",
    )
    spool_dir: DirectoryPath = Field(
        Path("/var/tmp"),  # noqa: S108  # the files have no name there
        description=(
            "Where a file waits that comes before its `imageId`: a folder on a disk, not in memory."
        ),
    )
    max_spool_bytes: int = Field(
        32 * GIB, ge=0, description="The most bytes that one process has waiting there."
    )
    max_spool_bytes_per_project: int = Field(
        16 * GIB, ge=0, description="How many of them are one project's."
    )
    drain_seconds: float = Field(
        0,
        ge=0,
        description=(
            "How long everything is served on after SIGTERM, in seconds, while `/readyz` says that"
            " this server stops: as long as a balancer takes to notice."
        ),
    )
    shutdown_timeout: int = Field(
        30, ge=0, description="How long running calls may take to end at a stop, in seconds."
    )
    upload_shutdown_timeout: float = Field(
        30,
        ge=0,
        description=(
            "How long running uploads may take to end at a stop, in seconds; what is cut then"
            " leaves its image `queued`."
        ),
    )
    token_cache_seconds: float = Field(
        60,
        ge=0,
        le=60,
        description="How long a token's validation holds, in seconds; never past its expiry.",
    )
    token_cache_size: int = Field(
        10_000, ge=1, description="The most tokens that one process remembers."
    )
    redis_url: SecretStr | None = Field(
        None,
        description=(
            "The Redis through which several processes and hosts share upload progress and the"
            " counts of attempts to sign in, as `redis://:password@host:6379/0`; needs the extra"
            " `redis`. In this process's memory when not set."
        ),
    )
    sign_ins_per_user: int = Field(
        10,
        ge=0,
        description=(
            "How many attempts to sign in may fail for one user in a minute, as in any 60 seconds;"
            " 0: no bound."
        ),
    )
    sign_ins_per_address: int = Field(
        60,
        ge=0,
        description=(
            "How many attempts to sign in may come from one address (IPv6: from one /64) in a"
            " minute, as in any 60 seconds; 0: no bound. Behind a proxy, set `BFF_TRUSTED_PROXIES`"
            " too: its clients are one address otherwise."
        ),
    )
    trusted_proxies: CommaSeparated = Field(
        (),
        description=(
            "The addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto`"
            " are believed, joined by commas, as `10.0.0.5,fd00::/8`. Nobody's when not set."
        ),
    )
    max_watchers: int = Field(
        500, ge=1, description="The most open streams of upload progress in one process."
    )
    max_watchers_per_project: int = Field(
        100, ge=1, description="How many of them one project may have."
    )
    secret_keys: SecretStr | None = Field(
        None,
        description=(
            "Fernet keys that seal the session cookie, joined by commas: the first seals, all"
            " open. Made at the start when not set: sessions then end with the process."
        ),
    )
    secret_keys_file: SecretStr | None = Field(
        None,
        description=(
            "The file that holds these keys instead, by lines or commas; read again at SIGHUP, so"
            " that keys rotate without a restart."
        ),
    )
    cookie_secure: bool = Field(
        True, description="Whether the session cookie is for HTTPS (and localhost) alone."
    )
    allowed_origins: CommaSeparated = Field(
        (), description="Other origins that may call with the session cookie, joined by commas."
    )
    expose_locations: bool = Field(
        False, description="Whether images show `direct_url` and `locations`, which name stores."
    )
    compression: bool = Field(
        True,
        description=(
            "Whether answers to queries in a project are compressed for clients that ask for it;"
            " `false` where a proxy does that. With `BFF_EXPOSE_LOCATIONS` they never are."
        ),
    )
    explorer: bool = Field(
        True, description="Whether the page at the prefix itself is served, to try the procedures."
    )
    metrics_address: str | None = Field(
        None,
        description=(
            "Where `GET /metrics` is served to Prometheus for all processes together, as"
            " `127.0.0.1:9464` or `[::]:9464`; it should not be public. Not served when not set."
        ),
    )
    audit_file: Path | None = Field(
        None,
        description=(
            "A file to which a line of JSON is appended for each change, upload, sign-in and"
            " sign-out; it may be rotated. When not set, these lines are among the others."
        ),
    )
    tracing: bool = Field(
        False,
        description=(
            "Whether OpenTelemetry is told of calls and requests; needs the extra `otel`. Where"
            " spans go is said by OpenTelemetry's own variables (`OTEL_…`)."
        ),
    )
    log_format: Literal["json", "console"] = Field("json", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic hands over all of them
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from: arguments and the environment, and no file."""
        return init_settings, env_settings

    @model_validator(mode="before")
    @classmethod
    def _usual_ca_file(cls, values: Any) -> Any:
        usual = os.environ.get("OS_CACERT")
        return {"ca_file": usual, **values} if usual else values

    @field_validator("auth_url")
    @classmethod
    def _without_query(cls, value: AnyHttpUrl) -> AnyHttpUrl:
        if value.query is not None or value.fragment is not None:
            raise ValueError("must have no query and no fragment, as https://cloud.example/v3")
        return value

    @field_validator("allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # "*" would let any page read answers, "null" any sandboxed one; with a path, none matches.
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("each must be an origin, as https://cloud.example:8443")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(part)) for part in value)
        except ValueError:
            raise ValueError(
                "each must be an address or a network without host bits, as 10.0.0.5, 10.0.0.0/8"
                " or fd00::/8"
            ) from None

    @field_validator("secret_keys_file", mode="before")
    @classmethod
    def _read_keys(cls, value: Any, info: ValidationInfo) -> Any:
        """Put what the file holds in the place of its path."""
        if value is None:
            return None
        if info.data.get("secret_keys") is not None:
            raise ValueError("set this or BFF_SECRET_KEYS, not both")
        try:
            content = Path(value).read_text(encoding="ascii") if Path(value).is_file() else None
        except OSError as problem:
            raise ValueError(f"cannot be read ({problem.strerror})") from None
        except UnicodeError:
            raise ValueError("is no text") from None
        if content is None or not content.strip(", \t\r\n"):
            raise ValueError("must be a file that holds a key, as `bff new-key` prints it")
        return content

    @field_validator("secret_keys", "secret_keys_file")
    @classmethod
    def _fernet_keys(cls, value: SecretStr | None) -> SecretStr | None:
        for key in _keys(value):
            try:
                Fernet(key)
            except ValueError:
                raise ValueError(
                    "each key must be 32 bytes in URL-safe base64, as `bff new-key` prints"
                ) from None
        return value

    @field_validator("metrics_address")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        found = _ADDRESS.fullmatch(value or "")
        if value is not None and not (found and 0 < int(found["port"]) < 65536):
            raise ValueError("must be a host and a port, as 127.0.0.1:9464 or [::1]:9464")
        return value

    @field_validator("spool_dir")
    @classmethod
    def _writable(cls, value: Path) -> Path:
        if not os.access(value, os.W_OK | os.X_OK):
            raise ValueError("this process may not write there")
        return value

    @field_validator("audit_file")
    @classmethod
    def _appendable(cls, value: Path | None) -> Path | None:
        if value is not None:
            check_can_append(value)
        return value

    @field_validator("tracing")
    @classmethod
    def _otel(cls, value: bool) -> bool:
        if value and not _is_installed("opentelemetry.sdk"):
            raise ValueError("needs OpenTelemetry: pip install '.[otel]' in the checkout")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            if find_spec("redis") is None:
                raise ValueError("needs the package redis: pip install '.[redis]' in the checkout")
            _check_redis_url(value.get_secret_value())
        return value

    @property
    def fernet_keys(self) -> list[str]:
        """The keys of the session cookie, the sealing one first; empty when none is set."""
        return _keys(self.secret_keys or self.secret_keys_file)

    @property
    def metrics_host_and_port(self) -> tuple[str, int] | None:
        """Where metrics are served, if they are."""
        found = _ADDRESS.fullmatch(self.metrics_address or "")
        return None if found is None else (found["host"] or found["ipv6"], int(found["port"]))

    @property
    def cookie_name(self) -> str:
        """The session cookie's name; ``__Host-`` binds it to this host (RFC 6265bis, 4.1.3.2)."""
        return "__Host-polaris-bff" if self.cookie_secure else "polaris-bff"


def _keys(value: SecretStr | None) -> list[str]:
    text = value.get_secret_value() if value else ""
    return [key for key in re.split(r"[,\s]+", text) if key]


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor what it is in
        return False


def _check_redis_url(url: str) -> None:
    """Check that a client can be made for this address; nothing is connected.

    Raises:
        ValueError: what such an address looks like; the address may hold a password.
    """
    from redis.asyncio import Redis  # noqa: PLC0415  # an optional package

    try:
        Redis.from_url(url).connection_pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise ValueError(
            "must be like redis://[user:password@]host[:port][/database], rediss:// for TLS, or"
            " unix://[user:password@]/path/to/redis.sock"
        ) from None


def explain(error: ValidationError) -> str:
    """Return one line for every faulty setting, named as the environment names it."""
    return "\n".join(
        f"{PREFIX}{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )


def as_markdown() -> str:
    """Return ``docs/settings.md``."""
    lines = [
        "# Settings",
        "",
        "Environment variables, read once at the start. A wrong value stops the start with a",
        "message that names it. This page is generated: `make docs`.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = "**required**" if field.is_required() else _default_text(field.default)
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def _default_text(default: Any) -> str:
    if default in (None, ()):
        return "not set"
    return f"`{json.dumps(default, default=str).strip(chr(34))}`"
