"""Labelled pictures, and which of them belong together."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image


def difference_hash(path: Path) -> int:
    grey = np.asarray(Image.open(path).convert("L").resize((9, 8), Image.Resampling.BILINEAR), np.int16)
    return int("".join("1" if bit else "0" for bit in (grey[:, 1:] > grey[:, :-1]).ravel()), 2)


def near_duplicates(paths: list[Path], most: int = 8) -> dict[Path, str]:
    hashes = [difference_hash(path) for path in paths]
    groups: list[tuple[int, str]] = []
    result = {}
    for path, value in zip(paths, hashes):
        name = next((name for other, name in groups if (value ^ other).bit_count() <= most), None)
        name = name or path.stem
        groups.append((value, name))
        result[path] = name
    return result


def yolo(folder: Path) -> list[tuple[Path, list[tuple[int, float, float, float, float]]]]:
    pictures = []
    for image in sorted((folder / "images").iterdir()):
        label = folder / "labels" / f"{image.stem}.txt"
        boxes = []
        for line in label.read_text().splitlines() if label.exists() else []:
            values = line.split()
            if len(values) >= 5:
                x, y, w, h = map(float, values[1:5])
                boxes.append((int(values[0]), x - w / 2, y - h / 2, x + w / 2, y + h / 2))
        pictures.append((image, boxes))
    return pictures


def clip_of(picture: Path) -> str | None:
    """Frames of one film are called alike but for the number at the end; web pictures are not of one thing."""
    series = re.sub(r"\d+(_jpe?g)*$", "", picture.stem.removesuffix("_jpg"))
    return series if re.search(r"[A-Za-z]{4}", series) and not re.search("image|getty", series, re.IGNORECASE) else None


def jittered(box: tuple[float, float, float, float], random: np.random.Generator, shift: float, grow: tuple[float, float]):
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    x = (left + right) / 2 + random.uniform(-shift, shift) * width
    y = (top + bottom) / 2 + random.uniform(-shift, shift) * height
    factor = random.uniform(*grow)
    edges = (x - width * factor / 2, y - height * factor / 2, x + width * factor / 2, y + height * factor / 2)
    left, top, right, bottom = (round(float(min(1, max(0, edge))), 5) for edge in edges)
    return (left, top, max(right, left + 0.002), max(bottom, top + 0.002))
