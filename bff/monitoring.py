"""What an operator sees of a process, connected to what it is read from: health and metrics."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext

from bff import __version__
from bff.openstack.probe import glance_answers, keystone_answers
from bff.progress.hub import Hub
from bff.server.exposition import FOLDER_VARIABLE, metrics_served
from bff.server.health import Health, Upstream
from bff.server.metrics import Metrics
from bff.server.sampler import Reading, readings_of_calls, readings_of_policy, sampling
from bff.session.services import Cloud
from bff.settings import Settings
from bff.upload.endpoint import UploadEndpoint


def health_of(
    settings: Settings, cloud: Cloud, is_stopping: Callable[[], bool] = lambda: False
) -> Health:
    """Return what tells whether this process can serve."""

    async def ask_glance() -> bool | None:
        address = settings.glance_url or cloud.found.glance_url
        return None if address is None else await glance_answers(cloud.glance, str(address))

    keystone = Upstream(lambda: keystone_answers(cloud.keystone, str(settings.auth_url)))
    return Health(keystone, Upstream(ask_glance), is_stopping)


def observe_services(cloud: Cloud, health: Health, metrics: Metrics | None) -> None:
    """Have each request to a service show whether it works, and be counted."""
    for name, service, upstream in (
        ("keystone", cloud.keystone, health.keystone),
        ("glance", cloud.glance, health.glance),
    ):
        counted = metrics.upstream(name) if metrics else None
        service.policy.observe = _noted(upstream, counted)


def _noted(
    upstream: Upstream, counted: Callable[[str, float | None], None] | None
) -> Callable[[str, float | None], None]:
    def ended(status: str, seconds: float | None) -> None:
        upstream.note(status)
        if counted is not None:
            counted(status, seconds)

    return ended


def metrics_of(settings: Settings, procedures: Iterable[str]) -> Metrics | None:
    """Return the metrics of this process; none where nobody asked for them."""
    return None if settings.metrics_address is None else Metrics(__version__, procedures)


@asynccontextmanager
async def measured(
    settings: Settings, metrics: Metrics | None, cloud: Cloud, uploads: UploadEndpoint, hub: Hub
) -> AsyncIterator[None]:
    """Serve this process's metrics inside the block, unless whoever started it does so.

    Raises:
        OSError: nobody can listen at that address.
    """
    address = settings.metrics_host_and_port
    if metrics is None or address is None:
        yield
        return
    by_parent = FOLDER_VARIABLE in os.environ
    with nullcontext() if by_parent else metrics_served(metrics.registry, *address):
        async with sampling(metrics, _readings(metrics, cloud, uploads, hub)):
            yield


def _readings(
    metrics: Metrics, cloud: Cloud, uploads: UploadEndpoint, hub: Hub
) -> Iterable[Reading]:
    yield Reading("bff_calls_in_flight", lambda: metrics.calls_in_flight)
    yield from readings_of_calls(cloud.calls)
    yield from readings_of_policy("keystone", cloud.keystone.policy)
    yield from readings_of_policy("glance", cloud.glance.policy)
    yield Reading("bff_sessions", lambda: cloud.sessions.remembered)
    yield Reading("bff_uploads_in_flight", lambda: uploads.in_flight)
    yield Reading("bff_upload_bytes_total", lambda: uploads.received_bytes)
    yield Reading("bff_spool_bytes", lambda: uploads.spool_bytes)
    yield Reading("bff_progress_watchers", lambda: hub.watchers)
