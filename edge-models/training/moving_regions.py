"""What moves in a film, as the gateway's cameras propose it (gateway/src/cameras/motion.ts), for training data."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

GREY = (320, 180)
# grey levels from which a pixel changed: by how much the frame before differed as a whole
CHANGE = (14.0, 20.0)
DEVIATIONS = 5.0
ADAPTION = 0.1
FEWEST = 4
MOST_CHANGED = 0.4

Box = tuple[float, float, float, float]


def moving_regions(frames: list[Path]) -> list[list[Box]]:
    """For each frame the changed parts, largest first, in fractions of the picture."""
    background: np.ndarray | None = None
    change = CHANGE[1]
    found = []
    for frame in frames:
        grey = cv2.resize(cv2.cvtColor(cv2.imread(str(frame)), cv2.COLOR_BGR2GRAY), GREY, interpolation=cv2.INTER_AREA).astype(np.float32)
        if background is None:
            background = grey.copy()
        difference = grey - background
        distance = np.abs(difference - difference.mean())
        background += difference * ADAPTION
        found.append([] if (distance > CHANGE[1]).mean() > MOST_CHANGED else parts((distance > change).astype(np.uint8)))
        change = float(np.clip(DEVIATIONS * distance.mean(), *CHANGE))
    return found


def parts(changed: np.ndarray) -> list[Box]:
    # blocks of 2 × 2 touch where their pixels have at most one other between them
    _, labels = cv2.connectedComponents(cv2.dilate(changed, np.ones((2, 2), np.uint8), anchor=(0, 0)), connectivity=8)
    labels = labels * changed
    counts = np.bincount(labels.ravel())
    boxes = []
    for label in np.argsort(-counts[1:], kind="stable") + 1:
        if counts[label] < FEWEST or len(boxes) == 32:
            break
        ys, xs = np.nonzero(labels == label)
        edges = (xs.min() / GREY[0], ys.min() / GREY[1], (xs.max() + 1) / GREY[0], (ys.max() + 1) / GREY[1])
        boxes.append(tuple(round(float(edge), 5) for edge in edges))
    return boxes


def proposals(regions: list[Box], width: int, height: int) -> list[Box]:
    """Those the rule would have judged: 10 to 80 pixels, four of a frame."""
    sizes = [((right - left) * width, (bottom - top) * height) for left, top, right, bottom in regions]
    fitting = [region for region, size in zip(regions, sizes) if 10 <= max(size) <= 80 and min(size) >= 6]
    return fitting[:4]
