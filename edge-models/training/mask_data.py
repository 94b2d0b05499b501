"""What the head `mask` learns from: face crops and faces in scenes."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import numpy as np
from describing import Sample, describe
from pictures import jittered, near_duplicates, yolo

CROPS_PER_CLASS = 750


def mask_samples(data: Path, work: Path, model_sha: str) -> list[Sample]:
    random = np.random.default_rng(1)
    order = Random(1)
    crops = []
    for label, folder in ((0, "with_mask"), (1, "without_mask")):
        groups: dict[str, Path] = {}
        for file in sorted((data / "facemask" / folder).iterdir()):
            groups.setdefault(re.search(r"g\d+", file.name)[0], file)
        files = sorted(groups.values())
        order.shuffle(files)
        crops += [Sample(file, "face", [label], re.search(r"g\d+", file.name)[0], "crop") for file in files[:CROPS_PER_CLASS]]
    # the face detector does not change with the detector: found once
    _, found = describe(crops, {"kind": "pooled", "size": 32, "margin": 0, "grid": 1}, work / "faces", "", "faces")
    samples = []
    for index, (crop, row) in enumerate(zip(crops, found)):
        region = tuple(float(min(1, max(0, edge))) for edge in row[:4])
        samples.append(Sample(crop.file, [region], crop.labels, crop.group, "crop"))
        if index % 2 == 0:
            scale = min(1.0, random.uniform(36, 80) / max(row[4], 1))
            poor = [jittered(region, random, 0.1, (0.85, 1.25))]
            quality, light = int(random.integers(25, 80)), float(random.uniform(0.6, 1.3))
            samples.append(Sample(crop.file, poor, crop.labels, crop.group, "poor crop", scale, quality, light))
    pictures = yolo(data / "facemask_boxes")
    group_of = near_duplicates([picture for picture, _ in pictures])
    for picture, boxes in pictures:
        kept = [(1 - label, jittered(tuple(box), random, 0.06, (0.85, 1.1))) for label, *box in boxes]
        if kept:
            labels, regions = [1 - label for label, _ in kept], [region for _, region in kept]
            samples.append(Sample(picture, regions, [1 - label for label in labels], group_of[picture], "in a scene"))
    return samples


def mask_thresholds(p: np.ndarray, y: np.ndarray, rows: list) -> list[float]:
    """Each class is said where at most 2 % of the other one are, and never below 0.6."""
    return [max(0.6, float(np.quantile(1 - p[y == 1], 0.98))), max(0.6, float(np.quantile(p[y == 0], 0.98)))]
