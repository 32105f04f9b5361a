"""What is asked of every view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tests.browser.conftest import DESKTOP, PHONE, Explorer

TABLET = {"width": 768, "height": 1024}
# The last one stays.
SIZES: Mapping[str, dict[str, int]] = {"phone": PHONE, "tablet": TABLET, "desktop": DESKTOP}
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")


def check(tab: Explorer, view: str) -> None:
    """See that what is seen is accessible, dark and light, and fits on each device."""
    for scheme in SCHEMES:
        tab.page.emulate_media(color_scheme=scheme)
        for device, size in SIZES.items():
            tab.page.set_viewport_size(size)  # type: ignore[arg-type]
            tab.keep(f"{view}-{device}-{scheme}")
            assert tab.overflow() == 0, (view, device)
        assert tab.faults() == [], (view, scheme)
