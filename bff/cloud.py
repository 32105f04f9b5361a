"""The services behind a process, put together from its settings."""

from __future__ import annotations

from bff.openstack.failure import KEYSTONE_ERRORS
from bff.openstack.keystone import Keystone
from bff.openstack.network import Network
from bff.openstack.policy import Limits, Policy
from bff.openstack.service import Service
from bff.openstack.slots import FairSlots
from bff.openstack.tracer import Tracer
from bff.openstack.transport import Client, Timeouts
from bff.session.cookies import SessionCookie
from bff.session.observer import Observer
from bff.session.services import Cloud
from bff.session.sessions import Sessions
from bff.session.sign_in_guard import SignInGuard
from bff.settings import Settings
from bff.timers import Timers


def cloud_of(
    settings: Settings,
    client: Client,
    network: Network,
    *,
    guard: SignInGuard,
    observer: Observer,
    tracer: Tracer,
) -> Cloud:
    """Return the services behind this process, each with its connections' times and its policy."""
    timers = Timers()
    timeouts = Timeouts(
        settings.connect_timeout,
        settings.upstream_timeout,
        idle=settings.upload_glance_timeout,
        stored=settings.upload_answer_timeout,
    )
    identity = Service(
        "Keystone",
        client,
        timeouts,
        KEYSTONE_ERRORS,
        network=network,
        policy=_policy("Keystone", settings, settings.max_keystone_requests),
        tracer=tracer,
        timers=timers,
    )
    keystone = Keystone(identity, str(settings.auth_url))
    return Cloud(
        settings,
        Sessions(keystone, settings.token_cache_seconds, settings.token_cache_size),
        SessionCookie.of(settings),
        guard,
        identity,
        Service(
            "Glance",
            client,
            timeouts,
            network=network,
            policy=_policy("Glance", settings, settings.max_glance_requests),
            tracer=tracer,
            timers=timers,
        ),
        FairSlots("calls", settings.max_calls, settings.max_calls_per_caller, settings.max_waiting),
        # An upload does not wait: its client would send what nobody takes.
        FairSlots(
            "uploads",
            settings.max_uploads,
            settings.max_uploads_per_project,
            max_waiting=0,
            whose="This project has",
        ),
        observer,
        tracer=tracer,
        timers=timers,
    )


def _policy(service: str, settings: Settings, requests: int) -> Policy:
    limits = Limits(
        requests=requests,
        per_caller=settings.max_requests_per_caller,
        waiting=settings.max_waiting,
        patience=settings.queue_timeout,
        failures=settings.breaker_failures,
        pause=settings.breaker_seconds,
    )
    return Policy(service, limits)
