"""The manifests: they fit Kubernetes' schemas, and agree with each other and with the settings."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest
from pydantic import ValidationError

import bff
from bff.settings import GIB, Settings
from tests.deploy.files import DEPLOY, SETTINGS, documents, manifest, manifests, seconds_to_stop
from tests.deploy.test_container import UID
from tests.deploy.test_proxies import nginx_block, number

# The oldest that is still supported somewhere, and the newest that the package knows.
VERSIONS = ("1.29", kubernetes_validate.latest_version())
SETTING = manifest("ConfigMap")["data"]
SPEC = manifest("Deployment")["spec"]["template"]["spec"]
[CONTAINER] = SPEC["containers"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("wanted", list(manifests()), ids=lambda each: each["metadata"]["name"])
def test_every_manifest_fits_its_schema(wanted: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(wanted, version, strict=True)
    wrong = copy.deepcopy(wanted)
    wrong["metadata"]["labelz"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_every_file_is_applied_and_in_one_namespace() -> None:
    [kustomization] = documents("kubernetes/kustomization.yaml")
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert set(kustomization["resources"]) == files - {"kustomization.yaml"}
    for each in manifests():
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == kustomization["namespace"]
            assert each["metadata"]["labels"] == {"app.kubernetes.io/name": "polaris-bff"}


def test_the_settings_are_known_and_the_keys_are_secret() -> None:
    secret = manifest("Secret")["stringData"]
    assert set(SETTING) <= SETTINGS
    assert set(secret) == {"keys", "BFF_REDIS_URL"}
    with pytest.raises(ValidationError, match="secret_keys") as refused:
        Settings(auth_url="http://k.example", secret_keys=secret["keys"])
    assert len(refused.value.errors()) == 1
    assert [kind for source in CONTAINER["envFrom"] for kind in source] == ["configMapRef"]
    [variable] = CONTAINER["env"]
    reference = variable["valueFrom"]["secretKeyRef"]
    assert variable["name"] == reference["key"] == "BFF_REDIS_URL"
    assert reference["name"] == manifest("Secret")["metadata"]["name"]


def test_new_keys_in_the_secret_come_to_the_file_that_is_read_at_hup() -> None:
    secret = volume("keys")["secret"]
    assert secret["secretName"] == manifest("Secret")["metadata"]["name"]
    [item] = secret["items"]
    assert item["key"] in manifest("Secret")["stringData"]
    [mount] = [each for each in CONTAINER["volumeMounts"] if each["name"] == "keys"]
    # Kubernetes never changes what is mounted by subPath.
    assert "subPath" not in mount
    assert SETTING["BFF_SECRET_KEYS_FILE"] == f"{mount['mountPath']}/{item['path']}"
    # Group's and nobody else's, and the group is the pod's.
    assert secret["defaultMode"] == 0o440
    assert SPEC["securityContext"]["fsGroup"] == SPEC["securityContext"]["runAsGroup"]


def volume(name: str) -> Any:
    [found] = [each for each in SPEC["volumes"] if each["name"] == name]
    return found


def test_a_pod_that_goes_has_all_the_time_that_its_settings_give() -> None:
    assert SPEC["terminationGracePeriodSeconds"] > seconds_to_stop(SETTING) + 10
    # Longer than it takes until a pod that is not ready any more is asked no more.
    ready = CONTAINER["readinessProbe"]
    assert float(SETTING["BFF_DRAIN_SECONDS"]) > ready["periodSeconds"] * ready["failureThreshold"]


def test_the_probes_ask_what_they_should() -> None:
    asked = {
        kind: CONTAINER[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")
    }
    assert asked == {
        "startup": {"path": "/healthz", "port": "http"},
        "liveness": {"path": "/healthz", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert ports["http"] == 8080
    assert SETTING["BFF_METRICS_ADDRESS"] == f"0.0.0.0:{ports['metrics']}"
    annotations = manifest("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["metrics"])
    assert [port["targetPort"] for port in manifest("Service")["spec"]["ports"]] == ["http"]


def test_a_pod_has_the_rights_that_the_namespace_allows_and_no_more() -> None:
    """Pod Security Standards, "restricted"."""
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    context = SPEC["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, UID)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (SPEC["automountServiceAccountToken"], SPEC["enableServiceLinks"]) == (False, False)


def test_waiting_files_fit_on_the_volume_and_the_volume_into_the_limit() -> None:
    spool = volume("spool")["emptyDir"]
    size = spool["sizeLimit"]
    limit = CONTAINER["resources"]["limits"]["ephemeral-storage"]
    assert int(SETTING["BFF_MAX_SPOOL_BYTES"]) < gib(size) * GIB < gib(limit) * GIB
    assert "medium" not in spool
    assert {"name": "spool", "mountPath": "/var/tmp"} in CONTAINER["volumeMounts"]


def gib(quantity: str) -> int:
    return int(quantity.removesuffix("Gi"))


def test_the_image_is_this_version() -> None:
    assert CONTAINER["image"].endswith(f"/polaris-bff:{bff.__version__}")


def test_the_ingress_has_the_sizes_and_times_of_nginx() -> None:
    calls, uploads = (each for each in manifests() if each["kind"] == "Ingress")
    rpc, upload = nginx_block("= /polaris-bff/rpc"), nginx_block("= /polaris-bff/upload-image")
    assert annotation(calls, "proxy-body-size") == "17m"
    assert "client_max_body_size 17m;" in rpc
    assert int(annotation(calls, "proxy-read-timeout")) == number("proxy_read_timeout ", rpc)
    assert annotation(uploads, "proxy-body-size") == "0"
    assert annotation(uploads, "proxy-request-buffering") == "off"
    for name in ("send", "read"):
        ours = number(f"proxy_{name}_timeout ", upload)
        assert int(annotation(uploads, f"proxy-{name}-timeout")) == ours
    for each in (calls, uploads):
        assert annotation(each, "proxy-next-upstream") == "error timeout"
        service = each["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert service == {"name": "polaris-bff", "port": {"name": "http"}}


def annotation(ingress: Any, name: str) -> str:
    """Return an annotation; Kubernetes takes nothing but text."""
    value = ingress["metadata"]["annotations"][f"nginx.ingress.kubernetes.io/{name}"]
    assert isinstance(value, str)
    return value


def test_nobody_reaches_it_but_the_ingress_and_prometheus_and_it_nobody_but_its_services() -> None:
    policy = manifest("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    reached = [[port["port"] for port in rule["ports"]] for rule in policy["ingress"]]
    assert reached == [["http"], ["metrics"]]
    assert all(rule["from"] for rule in policy["ingress"])
    asked = [[port["port"] for port in rule["ports"]] for rule in policy["egress"]]
    assert asked == [[53, 53], [443, 5000, 9292], [6379]]
    assert all(rule["to"] for rule in policy["egress"])


def test_the_autoscaler_and_the_budget_are_for_the_deployments_pods() -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert manifest(kind)["spec"]["selector"]["matchLabels"] == labels
    assert manifest("Service")["spec"]["selector"] == labels
    scaler = manifest("HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"]["name"] == manifest("Deployment")["metadata"]["name"]
    assert scaler["metrics"][0]["pods"]["metric"]["name"] == "bff_calls_in_flight"
    assert scaler["minReplicas"] > manifest("PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert "replicas" not in manifest("Deployment")["spec"]
