"""What the rule `rodent` makes of the looks at a film (gateway/src/cameras/rules/rodent.ts), to choose its threshold."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import hypot, log

import numpy as np
from moving_regions import Box

FEWEST, MOST = 3, 6
WIDTHS_A_SECOND = 0.6
FORGOTTEN_SECONDS = 5
SUREST = log(1000)


@dataclass
class Trail:
    start: tuple[float, float]
    box: Box
    time: float
    odds: list[float] = field(default_factory=list)
    has_moved: bool = False


def centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def longer(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def away(a: tuple[float, float], b: tuple[float, float]) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def highest(looks: list[tuple[float, Box, float]]) -> float:
    """The highest probability that any thing of a film comes to; looks are (seconds, region, probability) in order of time."""
    trails: list[Trail] = []
    result = 0.0
    for time, box, probability in looks:
        trails = [trail for trail in trails if time - trail.time < FORGOTTEN_SECONDS]
        at = centre(box)
        near = [
            trail for trail in trails
            if trail.time < time and 1 / 3 < longer(box) / longer(trail.box) < 3
            and away(at, centre(trail.box)) < longer(trail.box) + WIDTHS_A_SECOND * (time - trail.time)
        ]
        trail = min(near, key=lambda known: away(at, centre(known.box)), default=None)
        if trail is None:
            trail = Trail(at, box, time)
            trails.append(trail)
        trail.box, trail.time = box, time
        trail.odds.append(float(np.clip(log(max(1e-9, probability) / max(1e-9, 1 - probability)), -SUREST, SUREST)))
        trail.has_moved |= away(at, trail.start) > (box[2] - box[0]) / 2
        if trail.has_moved and len(trail.odds) >= FEWEST:
            result = max(result, 1 / (1 + float(np.exp(-np.mean(trail.odds[-MOST:])))))
    return result
