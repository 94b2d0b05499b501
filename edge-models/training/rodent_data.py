"""What the head `rodent` learns from: still pictures made small, and what moves in composed films of the night."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
from describing import Sample
from disturbances import PIECES
from moving_regions import Box, moving_regions, proposals
from pictures import clip_of, jittered, near_duplicates, yolo
from PIL import Image
from trails import highest

SIZE = (640, 360)
FPS = 2
FRAMES_OF_FILM = 12


def patches(random: np.random.Generator, count: int, pixels: tuple[float, float], size: tuple[int, int], avoid: list) -> list:
    """Rectangles of 10 to 80 px as a camera would propose them, away from `avoid`."""
    found = []
    for _ in range(count * 20):
        if len(found) == count:
            break
        side = np.exp(random.uniform(*np.log(pixels)))
        ratio = np.exp(random.uniform(-0.6, 0.6))
        width, height = side * min(1, ratio) / size[0], side * min(1, 1 / ratio) / size[1]
        if width > 0.9 or height > 0.9:
            continue
        left, top = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
        box = (left, top, left + width, top + height)
        if all(box[2] < a[0] or a[2] < box[0] or box[3] < a[1] or a[3] < box[1] for a in avoid):
            found.append(tuple(round(float(edge), 5) for edge in box))
    return found


def rodent_samples(data: Path, work: Path) -> list[Sample]:
    random = np.random.default_rng(2)
    samples = []

    def add(picture: Path, positives: list, negatives: list, target: float, longest: float, group: str, kind: str) -> None:
        """Shrinks the picture until the longest side of what matters has `target` pixels."""
        scale = float(min(1.0, target / max(1.0, longest)))
        regions, labels = [*positives, *negatives], [1] * len(positives) + [0] * len(negatives)
        if regions:
            jpeg = int(random.integers(30, 90)) if random.random() < 0.7 else None
            light = float(random.uniform(0.55, 1.3))
            samples.append(Sample(picture, regions, labels, group, kind, scale, jpeg, light))

    pictures = [(picture, boxes) for picture, boxes in yolo(data / "rats") if boxes]
    group_of = near_duplicates([picture for picture, _ in pictures])
    for picture, boxes in pictures:
        size = Image.open(picture).size
        group = clip_of(picture) or group_of[picture]
        _, *box = max(boxes, key=lambda b: (b[3] - b[1]) * (b[4] - b[2]))
        longest = max((box[2] - box[0]) * size[0], (box[3] - box[1]) * size[1])
        target = float(np.exp(random.uniform(np.log(14), np.log(80))))
        scale = min(1.0, target / longest)
        positive = jittered(tuple(box), random, 0.12, (0.8, 1.35))
        avoid = [tuple(other) for _, *other in boxes]
        add(picture, [positive], patches(random, 2, (10 / scale, 80 / scale), size, avoid), target, longest, group, "rats")
    for folder, count in (("coco128_train2017", 5), ("facemask_boxes", 4)):
        for picture, boxes in yolo(data / folder):
            size = Image.open(picture).size
            things = [b for b in boxes if max((b[3] - b[1]) * size[0], (b[4] - b[2]) * size[1]) >= 16]
            chosen = [jittered(tuple(box), random, 0.12, (0.8, 1.35)) for _, *box in things[:count]]
            longest = max([max((b[2] - b[0]) * size[0], (b[3] - b[1]) * size[1]) for b in chosen] or [120.0])
            target = float(np.exp(random.uniform(np.log(14), np.log(80))))
            scale = min(1.0, target / longest)
            others = patches(random, 3, (10 / scale, 80 / scale), size, [])
            add(picture, [], [*chosen, *others], target, longest, picture.stem, folder)
    frames = video_frames(data / "video" / "vtest.avi", work / "frames")
    for index, (frame, regions) in enumerate(zip(frames, moving_regions(frames))):
        size = Image.open(frame).size
        others = [*proposals(regions, *size), *patches(random, 2, (10, 80), size, [])]
        add(frame, [], others, 1, 1, f"video {index // 10}", "video")
    return samples


def film_samples(films: list[Path]) -> list[Sample]:
    """What moves in composed films, as a camera proposes it: the animal, and everything else."""
    samples = []
    for folder in films:
        film = json.loads((folder / "film.json").read_text())
        frames = sorted(folder.glob("*.jpg"))
        is_animal = film["kind"] == "animal"
        judged = []
        for frame, regions, truth in zip(frames, moving_regions(frames), film["animal"]):
            labels = {region: likeness(region, truth) for region in proposals(regions, *SIZE)}
            kept = [(region, label) for region, label in labels.items() if label is not None]
            if kept:
                judged.append((frame, kept))
        # spread over the film, so that long ones count no more than short ones
        for at in sorted({int(n * len(judged) / FRAMES_OF_FILM) for n in range(FRAMES_OF_FILM)} if judged else ()):
            frame, kept = judged[at]
            group = film["source"] if is_animal else folder.name
            kind = "films with an animal" if is_animal else "films of pieces" if film["kind"] in PIECES else "films of other things"
            samples.append(Sample(frame, [region for region, _ in kept], [label for _, label in kept], group, kind))
    return samples


def likeness(region: Box, truth: list[float] | None) -> int | None:
    """1: the animal · 0: something else · None: partly the animal, which teaches nothing."""
    if truth is None:
        return 0
    across = min(region[2], truth[2]) - max(region[0], truth[0])
    down = min(region[3], truth[3]) - max(region[1], truth[1])
    if across <= 0 or down <= 0:
        return 0
    both = across * down
    own = (region[2] - region[0]) * (region[3] - region[1])
    its = (truth[2] - truth[0]) * (truth[3] - truth[1])
    return 1 if both / (own + its - both) > 0.15 or (both > 0.5 * own and both > 0.1 * its) else None


def video_frames(video: Path, folder: Path) -> list[Path]:
    if not folder.exists():
        folder.mkdir(parents=True)
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(video), "-vf", "select=not(mod(n\\,8))", "-fps_mode", "vfr", str(folder / "%04d.png")], check=True)
    return sorted(folder.iterdir())


def rodent_thresholds(p: np.ndarray, y: np.ndarray, rows: list[tuple[Sample, Box]]) -> list[float]:
    """Of ten held-out films of other things, one of each kind, one may come so far by all looks at one thing together."""
    films: dict[str, list[tuple[float, Box, float]]] = {}
    for (sample, region), probability in zip(rows, p):
        if sample.kind == "films of other things":
            films.setdefault(sample.group, []).append((int(sample.file.stem) / FPS, region, float(probability)))
    # of a film without anything to judge there is no entry: nothing would have been said of it
    return [0.5, max(0.5, float(np.quantile([highest(looks) for looks in films.values()], 0.9)))]
