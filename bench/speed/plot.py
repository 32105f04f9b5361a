"""Line charts as SVG, which GitHub shows in a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 690, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 160, 40, 50
# Told apart without colour vision too (Okabe and Ito, "Color Universal Design").
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
TICKS = 5

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """From values to pixels, from 0 on or by powers of ten."""

    least: float
    most: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return where a value is."""
        scale = log10 if self.logarithmic else float
        span = scale(self.most) - scale(self.least)
        share = (scale(value) - scale(self.least)) / span if span else 0.5
        return self.start + share * (self.end - self.start)


def ticks(most: float) -> list[float]:
    """Return round values from 0 to the first that is not below ``most``."""
    step = _round_step(most / TICKS) if most > 0 else 1
    count = -int(-most // step) or 1
    return [number * step for number in range(count + 1)]


def _round_step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least)


def chart(title: str, x: str, y: str, series: Mapping[str, Points]) -> str:
    """Return a chart; its x axis is logarithmic, and its y axis begins at 0."""
    values = sorted({point[0] for points in series.values() for point in points})
    marks = ticks(max(point[1] for points in series.values() for point in points))
    across = Axis(values[0], values[-1], LEFT, WIDTH - RIGHT, logarithmic=True)
    up = Axis(0, marks[-1], HEIGHT - BOTTOM, TOP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="12" fill="#333">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            _text(WIDTH / 2, 22, title, "middle", 'font-size="15"'),
            *_grid(across, up, values, marks),
            _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x, "middle"),
            _text(16, HEIGHT / 2, y, "middle", f'transform="rotate(-90 16 {HEIGHT / 2:.0f})"'),
            *_lines(across, up, series),
            "</svg>\n",
        ]
    )


def _grid(across: Axis, up: Axis, values: list[float], marks: list[float]) -> Iterator[str]:
    for mark in marks:
        height = up.at(mark)
        yield f'<path d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield _text(LEFT - 8, height + 4, f"{mark:g}", "end")
    for value in values:
        yield _text(across.at(value), HEIGHT - BOTTOM + 18, f"{value:g}", "middle")


def _lines(across: Axis, up: Axis, series: Mapping[str, Points]) -> Iterator[str]:
    heights: list[float] = []
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        if not points:
            continue
        placed = [(across.at(x), up.at(y)) for x, y in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed)
        height = _apart(placed[-1][1], heights)
        heights.append(height)
        yield _text(placed[-1][0] + 8, height + 4, name, "start", f'fill="{colour}"')


def _apart(height: float, taken: list[float]) -> float:
    """Return the height, or one above it where a name does not stand on another one."""
    while any(abs(height - other) < 14 for other in taken):
        height -= 14
    return height


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
