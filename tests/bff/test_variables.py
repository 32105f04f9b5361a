"""Variables that look like settings and are none."""

from __future__ import annotations

import pytest

from bff.variables import known_variables, unknown_variables


def test_a_setting_is_known_in_any_case() -> None:
    names = known_variables()
    assert "BFF_AUTH_URL" in names
    given = {name: "x" for known in names for name in (known, known.lower())}
    assert unknown_variables({**given, "OS_TOKEN": "x", "MYBFF_X": "x"}) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("BFF_AUTHURL", "is BFF_AUTH_URL meant?"),
        ("BFF_SECRET_KEY", "is BFF_SECRET_KEYS meant?"),
        ("bff_redis_uri", "is BFF_REDIS_URL meant?"),
        ("BFF_COOKIES_SECURE", "is BFF_COOKIE_SECURE meant?"),
        ("BFF_NOTHING_LIKE_IT_AT_ALL", "docs/settings.md has all of them."),
        ("BFF_", "docs/settings.md has all of them."),
        ("BFF_PORT", "no setting"),
        ("BFF_A\x1b[2J\nB", r"BFF_A\x1b[2J\nB is no setting"),
    ],
)
def test_another_one_is_named_with_the_nearest_and_without_its_value(name: str, says: str) -> None:
    (told,) = unknown_variables({name: "my-secret"})
    assert says in told
    assert "my-secret" not in told
    assert told.isprintable()


def test_what_kubernetes_sets_for_a_service_of_our_name_is_not_ours() -> None:
    address = "tcp://10.0.0.1:8080"
    names = ["BFF_SERVICE_HOST", "BFF_SERVICE_PORT", "BFF_SERVICE_PORT_HTTP", "BFF_PORT"]
    names += ["BFF_PORT_8080_TCP", "BFF_PORT_8080_TCP_ADDR", "BFF_PORT_8080_TCP_PROTO"]
    names += ["BFF_WEB_SERVICE_HOST", "BFF_WEB_PORT", "BFF_WEB_PORT_53_UDP_PORT"]
    assert unknown_variables(dict.fromkeys(names, address)) == []
