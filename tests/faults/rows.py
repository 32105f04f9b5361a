"""The table of faults: every row that `make faults` prints, and that the suite plays."""

from __future__ import annotations

from tests.faults import changes, clients, load, reads, signing, stops, uploads

ROWS = (
    *reads.ROWS,
    *changes.ROWS,
    *uploads.ROWS,
    *signing.ROWS,
    *clients.ROWS,
    *load.ROWS,
    *stops.ROWS,
)
