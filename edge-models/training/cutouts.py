"""Things cut out of labelled pictures, to be put into composed films; kept as PNG in a work folder."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from pictures import clip_of, near_duplicates, yolo

LONGEST = 96
# of one film or group of pictures
MOST = 30
PERSON = 0
# of COCO-80: bird … giraffe
LIVING = range(14, 24)


@dataclass
class Cutout:
    group: str
    rgba: np.ndarray


@dataclass
class Material:
    animals: list[Cutout]
    things: list[Cutout]
    feet: list[Cutout]
    backgrounds: list[Path]

    @staticmethod
    def pick(cutouts: list[Cutout], random: np.random.Generator) -> Cutout:
        """Each film or group of pictures as often as any other, however many pictures there are of it."""
        group = random.choice(sorted({cutout.group for cutout in cutouts}))
        chosen = [cutout for cutout in cutouts if cutout.group == group]
        return chosen[int(random.integers(0, len(chosen)))]


def part_of(group: str) -> str:
    """A third of the groups is kept for testing."""
    return "test" if hashlib.sha256(group.encode()).digest()[0] % 3 == 0 else "train"


def cut_out(picture: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray | None:
    """What is in a box, with the rest transparent (GrabCut); None where that does not come out as one plausible thing."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    if max(right - left, bottom - top) < 40 or min(right - left, bottom - top) < 20:
        return None
    margin = 0.25 * max(right - left, bottom - top)
    x0, y0 = max(0, int(left - margin)), max(0, int(top - margin))
    crop = picture[y0 : int(bottom + margin), x0 : int(right + margin)]
    scale = min(1.0, LONGEST / max(right - left, bottom - top))
    crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rect = tuple(int(v * scale) for v in (left - x0, top - y0, right - left, bottom - top))
    if rect[2] * rect[3] > 0.92 * crop.shape[0] * crop.shape[1]:
        return None
    mask = np.zeros(crop.shape[:2], np.uint8)
    cv2.setRNGSeed(1)
    cv2.grabCut(crop, mask, rect, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_RECT)
    solid = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    x, y, w, h, area = (int(v) for v in stats[largest])
    if not 0.3 < area / (w * h) < 0.88 or w * h < 0.4 * rect[2] * rect[3]:
        return None
    alpha = cv2.GaussianBlur((labels == largest).astype(np.float32) * 255, (3, 3), 0)
    return np.dstack([crop, alpha.astype(np.uint8)])[y : y + h, x : x + w]


def gather(data: Path, work: Path, part: str) -> Material:
    if not (work / "list.json").exists():
        cut_all(data, work)
    found = json.loads((work / "list.json").read_text())
    cutouts: dict[str, list[Cutout]] = {"animals": [], "things": [], "feet": []}
    for kind, group, name in found["cutouts"]:
        if part_of(group) == part:
            cutouts[kind].append(Cutout(group, cv2.imread(str(work / name), cv2.IMREAD_UNCHANGED)))
    pictures = data / "coco128_train2017" / "images"
    return Material(**cutouts, backgrounds=[pictures / name for name in found["backgrounds"] if part_of(Path(name).stem) == part])


def cut_all(data: Path, work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    cutouts: list[tuple[str, str, str]] = []

    def keep(kind: str, group: str, rgba: np.ndarray | None) -> None:
        if rgba is not None and min(rgba.shape[:2]) >= 8:
            name = f"{len(cutouts):05d}.png"
            cv2.imwrite(str(work / name), rgba)
            cutouts.append((kind, group, name))

    rats = [(picture, boxes) for picture, boxes in yolo(data / "rats") if boxes]
    group_of = near_duplicates([picture for picture, _ in rats])
    seen: Counter[str] = Counter()
    # in an order by hash, so that the kept ones of a film are spread over it
    for picture, boxes in sorted(rats, key=lambda entry: hashlib.sha256(entry[0].name.encode()).digest()):
        group = clip_of(picture) or group_of[picture]
        seen[group] += 1
        if seen[group] <= MOST:
            image = cv2.imread(str(picture))
            for _, *box in boxes[:2]:
                keep("animals", group, cut_out(image, tuple(box)))
    backgrounds = []
    for picture, boxes in yolo(data / "coco128_train2017"):
        image = cv2.imread(str(picture))
        # where somebody is, nobody looks for rodents
        if not any(kind == PERSON or kind in LIVING for kind, *_ in boxes):
            backgrounds.append(picture.name)
        for kind, *box in boxes[:4]:
            if kind in LIVING:
                continue
            rgba = cut_out(image, tuple(box))
            if kind == PERSON:
                # knees and below
                keep("feet", picture.stem, None if rgba is None or rgba.shape[0] < 90 else rgba[int(rgba.shape[0] * 0.68) :])
            else:
                keep("things", picture.stem, rgba)
    (work / "list.json").write_text(json.dumps({"cutouts": cutouts, "backgrounds": backgrounds}))
    print(f"cut out {len(cutouts)} things", flush=True)
