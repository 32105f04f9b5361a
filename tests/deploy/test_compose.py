"""The compose file: it fits the Compose specification, and what it starts has few rights."""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import ip_address, ip_network
from typing import Any

import bff
from tests.deploy.files import DEPLOY, SETTINGS, documents, seconds_to_stop
from tests.deploy.proxies import NGINX
from tests.deploy.test_container import values

COMPOSE = documents("compose.yaml")[0]
SERVICES: dict[str, Any] = COMPOSE["services"]
BFFS = [SERVICES["bff-1"], SERVICES["bff-2"]]


def checked(path: str) -> int:
    """Return the status of check-jsonschema, which brings the schema of the specification."""
    words = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run([sys.executable, "-m", *words], check=False, timeout=60).returncode


def test_it_fits_the_specification_of_compose(tmp_path: Any) -> None:
    assert checked(str(DEPLOY / "compose.yaml")) == 0
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(json.dumps(COMPOSE | {"services": {"bff": {"imagee": "x"}}}))
    assert checked(str(wrong)) == 1


def test_nothing_may_write_or_gain_rights() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "healthcheck" in service
        assert not service.get("privileged")
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]


def test_several_workers_find_a_folder_for_their_metrics() -> None:
    assert all("/tmp" in service["tmpfs"] for service in BFFS)


def test_every_bff_has_a_disk_for_waiting_files_and_a_health_check_like_the_images() -> None:
    volumes = [service["volumes"][0].split(":") for service in BFFS]
    assert [target for _, target in volumes] == values("VOLUME") * 2
    assert {name for name, _ in volumes} == set(COMPOSE["volumes"])
    [check] = values("HEALTHCHECK")
    words = json.loads(check[check.index("CMD") + 3 :])
    assert all(service["healthcheck"]["test"] == ["CMD", *words] for service in BFFS)


def test_no_secret_is_in_the_file_and_every_one_is_a_file_beside_it() -> None:
    assert {"keys", "tls.crt", "tls.key", "redis.conf"} == set(COMPOSE["secrets"])
    assert all(secret["file"].startswith("secrets/") for secret in COMPOSE["secrets"].values())
    for service in BFFS:
        assert service["env_file"] == "secrets/bff.env"
        assert service["environment"]["BFF_SECRET_KEYS_FILE"] == "/run/secrets/keys"
        assert service["secrets"] == ["keys"]
        assert not {"BFF_SECRET_KEYS", "BFF_REDIS_URL"} & set(service["environment"])


def test_its_settings_are_known_and_a_stop_has_the_time_that_they_give() -> None:
    for service in BFFS:
        assert service["image"] == f"polaris-bff:{bff.__version__}"
        assert set(service["environment"]) <= SETTINGS
        known = {name: value for name, value in service["environment"].items() if value}
        grace = int(service["stop_grace_period"].removesuffix("s"))
        assert grace > seconds_to_stop(known) + 10


def test_the_proxy_is_believed_and_finds_a_bff_where_it_was() -> None:
    [config] = COMPOSE["networks"]["front"]["ipam"]["config"]
    addresses = {service["networks"]["front"]["ipv4_address"] for service in BFFS}
    assert len(addresses) == 2
    assert all(ip_address(each) in ip_network(config["subnet"]) for each in addresses)
    assert BFFS[0]["environment"]["BFF_TRUSTED_PROXIES"] == config["subnet"]
    for name in ("bff-1", "bff-2"):
        assert f"server {name}:8080 " in NGINX
