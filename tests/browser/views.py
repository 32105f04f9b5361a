"""What is asked of every view."""

from __future__ import annotations

from tests.browser.conftest import DESKTOP, PHONE, Explorer

TABLET = {"width": 768, "height": 1024}


def check(tab: Explorer, view: str) -> None:
    """See that what is seen is accessible and fits, on a desk and on a phone, dark and light."""
    page = tab.page
    page.emulate_media(color_scheme="dark")
    tab.keep(f"desktop-dark-{view}")
    assert tab.faults() == [], view
    page.emulate_media(color_scheme="light")
    for device, size in (("tablet", TABLET), ("phone", PHONE)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        tab.keep(f"{device}-light-{view}")
        assert tab.overflow() == 0, (view, device)
    assert tab.faults() == [], view
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
