"""What is asked of every view."""

from __future__ import annotations

from typing import Literal

from tests.browser.conftest import DESKTOP, PHONE, Explorer

SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")


def check(tab: Explorer, view: str) -> None:
    """See that what is seen is accessible and fits, in both schemes and on a phone."""
    page = tab.page
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        tab.keep(f"desktop-{scheme}-{view}")
        assert tab.faults() == [], (view, scheme)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    tab.keep(f"phone-{view}")
    assert tab.faults() == [], view
    assert tab.overflow() == 0, view
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
