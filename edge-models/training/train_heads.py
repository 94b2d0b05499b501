#!/usr/bin/env python3
"""Trains the shipped heads on the default detector's inner layers: mask and rodent.

    python train_heads.py --data ../../../shared/vision [--work FOLDER] [--heads mask rodent]

Descriptors come from `describe.ts`, the code that runs at a site. They are kept in the work folder by network, setup and
pictures, in parts of 200 pictures: an interrupted run goes on where it was. Folds keep near-duplicate groups together: `gNNNN`
in a name, else pictures whose difference hashes are close. Writes `../heads/<head>/head.json` (fitted on everything), the
figures of the folds into it, and `../heads/<head>/result.png`. The same data and network give the same head.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
HEADS = HERE.parent / "heads"
PART = 200
FOLDS = 5
CROPS_PER_CLASS = 750
PENALTIES = (20.0, 5.0, 1.0)


@dataclass
class Sample:
    """A picture, perhaps made poorer, with regions of one kind each."""

    file: Path
    regions: list[tuple[float, float, float, float]] | str
    labels: list[int]
    group: str
    kind: str
    scale: float = 1.0
    jpeg: int | None = None
    light: float = 1.0

    def item(self) -> dict:
        item = {"file": str(self.file), "regions": self.regions, "light": round(self.light, 3), "scale": round(self.scale, 4)}
        return item | ({"jpeg": self.jpeg} if self.jpeg else {})


def progress(done: int, total: int, start: float, what: str) -> None:
    rate = done / max(1e-9, time.time() - start)
    line = f"{what} {done}/{total}  {rate:.1f}/s  {max(0, total - done) / max(rate, 1e-9):.0f} s left"
    print(f"\r{line}   " if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() and done < total else "\n", flush=True)


def describe(samples: list[Sample], setup: dict, work: Path, model_sha: str, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors and regions (left, top, right, bottom, pixels, score), one row per region."""
    vectors, regions = [], []
    start = time.time()
    for at in range(0, len(samples), PART):
        job = {"setup": setup, "items": [sample.item() for sample in samples[at : at + PART]]}
        text = json.dumps(job, sort_keys=True)
        folder = work / hashlib.sha256((text + model_sha).encode()).hexdigest()[:24]
        if not (folder / "descriptors.f32").exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "job.json").write_text(text)
            command = ["node", str(HERE / "describe.ts"), "--job", str(folder / "job.json"), "--out", str(folder)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = json.loads((folder / "regions.json").read_text())
        vectors.append(np.fromfile(folder / "descriptors.f32", "<f4").reshape(-1, found["length"]))
        regions.append(np.asarray(found["regions"]))
        progress(min(len(samples), at + PART), len(samples), start, what)
    return np.concatenate(vectors), np.concatenate(regions)


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


def jittered(box: tuple[float, float, float, float], random: np.random.Generator, shift: float, grow: tuple[float, float]):
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    x = (left + right) / 2 + random.uniform(-shift, shift) * width
    y = (top + bottom) / 2 + random.uniform(-shift, shift) * height
    factor = random.uniform(*grow)
    edges = (x - width * factor / 2, y - height * factor / 2, x + width * factor / 2, y + height * factor / 2)
    left, top, right, bottom = (round(float(min(1, max(0, edge))), 5) for edge in edges)
    return (left, top, max(right, left + 0.002), max(bottom, top + 0.002))


# --- mask -------------------------------------------------------------------------------------------------------------


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


# --- rodent -----------------------------------------------------------------------------------------------------------


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


def clip_of(picture: Path) -> str | None:
    """Frames of one film are called alike but for the number at the end; web pictures are not of one thing."""
    series = re.sub(r"\d+(_jpe?g)*$", "", picture.stem.removesuffix("_jpg"))
    return series if re.search(r"[A-Za-z]{4}", series) and not re.search("image|getty", series, re.IGNORECASE) else None


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
    for index, frame in enumerate(video_frames(data / "video" / "vtest.avi", work / "frames")):
        size = Image.open(frame).size
        add(frame, [], patches(random, 5, (10, 80), size, []), 1, 1, f"video {index // 10}", "video")
    return samples


def video_frames(video: Path, folder: Path) -> list[Path]:
    if not folder.exists():
        folder.mkdir(parents=True)
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(video), "-vf", "select=not(mod(n\\,8))", "-fps_mode", "vfr", str(folder / "%04d.png")], check=True)
    return sorted(folder.iterdir())


# --- fitting ----------------------------------------------------------------------------------------------------------


def fit(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Logistic regression by Newton's method; both classes weigh the same."""
    mean, spread = x.mean(0), x.std(0)
    scale = np.where(spread > 1e-5, 1 / np.maximum(spread, 1e-5), 0)
    z = np.hstack([(x - mean) * scale / np.sqrt(x.shape[1]), np.ones((len(x), 1))]).astype(np.float64)
    share = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    ridge = np.full(z.shape[1], penalty)
    ridge[-1] = 0
    w = np.zeros(z.shape[1])
    for _ in range(9):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -30, 30)))
        curve = share * np.maximum(p * (1 - p), 1e-6)
        step = np.linalg.solve((z * curve[:, None]).T @ z + np.diag(ridge + 1e-9), z.T @ (share * (p - y)) + ridge * w)
        w -= step
        if np.abs(step).max() < 1e-3 * max(1, np.abs(w).max()):
            break
    return mean, scale, w[:-1] / np.sqrt(x.shape[1]), float(w[-1])


def platt(sums: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    z = np.stack([sums, np.ones_like(sums)], 1)
    target = np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / ((1 - y).sum() + 2))
    share = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    w = np.asarray([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -30, 30)))
        curve = share * np.maximum(p * (1 - p), 1e-9)
        step = np.linalg.solve((z * curve[:, None]).T @ z + 1e-9 * np.eye(2), z.T @ (share * (p - target)))
        w -= np.clip(step, -1, 1)
    return float(w[0]), float(w[1])


def auroc(scores: np.ndarray, y: np.ndarray) -> float:
    order = np.concatenate([scores[y == 0], scores[y == 1]])
    ranks = np.empty(len(order))
    ranks[np.argsort(order, kind="stable")] = np.arange(1, len(order) + 1)
    positives = int(y.sum())
    return float((ranks[len(order) - positives :].sum() - positives * (positives + 1) / 2) / (positives * (len(order) - positives)))


def cross_validate(x: np.ndarray, y: np.ndarray, groups: np.ndarray, penalty: float) -> np.ndarray:
    names = np.unique(groups)
    fold_of = {name: int.from_bytes(hashlib.sha256(str(name).encode()).digest()[:4]) % FOLDS for name in names}
    folds = np.asarray([fold_of[name] for name in groups])
    sums = np.zeros(len(y))
    for fold in range(FOLDS):
        held = folds == fold
        mean, scale, weights, bias = fit(x[~held], y[~held], penalty)
        sums[held] = ((x[held] - mean) * scale) @ weights + bias
    return sums


def loss(sums: np.ndarray, y: np.ndarray) -> float:
    slope, offset = platt(sums, y)
    return float(np.log1p(np.exp(-np.where(y == 1, 1, -1) * (slope * sums + offset))).mean())


def train(name: str, samples: list[Sample], setup: dict, classes: list[str], work: Path, model: dict, certain, minimum: int, notes: str):
    x, regions = describe(samples, setup, work / name, model["sha256"], name)
    y = np.asarray([label for sample in samples for label in sample.labels], float)
    groups = np.asarray([sample.group for sample in samples for _ in sample.labels])
    kinds = np.asarray([sample.kind for sample in samples for _ in sample.labels])
    pixels = regions[:, 4]
    tried = {penalty: cross_validate(x, y, groups, penalty) for penalty in PENALTIES}
    penalty = min(tried, key=lambda p: loss(tried[p], y))
    slope, offset = platt(tried[penalty], y)
    odds = slope * tried[penalty] + offset
    p = 1 / (1 + np.exp(-odds))
    thresholds = certain(p, y, kinds)
    mean, scale, weights, bias = fit(x, y, penalty)
    evaluation = []
    for kind in ["all", *dict.fromkeys(kinds)]:
        chosen = np.ones(len(y), bool) if kind == "all" else kinds == kind
        row = {"data": str(kind), "split": f"{FOLDS} folds by near-duplicate group", "examples": int(chosen.sum()), "positives": int(y[chosen].sum())}
        if 0 < y[chosen].sum() < chosen.sum():
            row["auroc"] = round(auroc(p[chosen], y[chosen]), 4)
        if y[chosen].sum() > 0:
            row["recallAtThreshold"] = round(float((p[chosen & (y == 1)] >= thresholds[1]).mean()), 4)
        if y[chosen].sum() < chosen.sum():
            row["falseRateAtThreshold"] = round(float((p[chosen & (y == 0)] >= thresholds[1]).mean()), 4)
        evaluation.append(row | {"date": "2026-11-22"})
    for row in evaluation:
        print(row)
    head = {
        "id": name,
        "version": "1.0.0",
        "task": name,
        "classes": classes,
        "descriptor": setup,
        "modelSha256": model["sha256"],
        "standardisation": {"mean": short(mean), "scale": short(scale)},
        "weights": [short(weights * slope)],
        "bias": [float(f"{bias * slope + offset:.6g}")],
        "thresholds": {"certain": [float(f"{value:.4g}") for value in thresholds], "minRegionPixels": minimum},
        "evaluation": evaluation,
        "licence": "Apache-2.0",
        "source": notes,
    }
    folder = HEADS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "head.json").write_text(json.dumps(head, separators=(",", ":")).replace('],"', '],\n"') + "\n")
    draw(p, y, kinds, thresholds, classes, folder / "result.png")
    print(f"{folder / 'head.json'}: {(folder / 'head.json').stat().st_size} bytes, penalty {penalty}, thresholds {thresholds}")


def short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def draw(p: np.ndarray, y: np.ndarray, kinds: np.ndarray, thresholds, classes: list[str], path: Path) -> None:
    figure, (roc, spread) = plt.subplots(1, 2, figsize=(9, 4), dpi=90)
    for kind in ["all", *dict.fromkeys(kinds)]:
        chosen = np.ones(len(y), bool) if kind == "all" else kinds == kind
        if not 0 < y[chosen].sum() < chosen.sum():
            continue
        order = np.argsort(-p[chosen])
        hit = y[chosen][order]
        roc.plot(np.cumsum(1 - hit) / (1 - hit).sum(), np.cumsum(hit) / hit.sum(), label=f"{kind}: {auroc(p[chosen], y[chosen]):.4f}")
    roc.set(xlim=(-0.01, 0.3), ylim=(0.7, 1.005), xlabel=f'"{classes[0]}" taken for "{classes[1]}"', ylabel=f'"{classes[1]}" found', title="held-out folds, AUROC")
    roc.legend(loc="lower right")
    spread.hist([p[y == 0], p[y == 1]], bins=20, label=classes, log=True)
    spread.axvline(thresholds[1], color="k", ls="--")
    spread.axvline(1 - thresholds[0], color="k", ls=":")
    spread.set(xlabel=f'probability of "{classes[1]}"', title="certain beyond the lines")
    spread.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def mask_thresholds(p: np.ndarray, y: np.ndarray, kinds: np.ndarray) -> list[float]:
    """Each class is said where at most 2 % of the other one are, and never below 0.6."""
    return [max(0.6, float(np.quantile(1 - p[y == 1], 0.98))), max(0.6, float(np.quantile(p[y == 0], 0.98)))]


def rodent_thresholds(p: np.ndarray, y: np.ndarray, kinds: np.ndarray) -> list[float]:
    """Three sightings of one thing have to be certain; so many single ones of other things are: 3 %."""
    return [0.5, max(0.5, float(np.quantile(p[y == 0], 0.97)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "frostlight-heads")
    parser.add_argument("--heads", nargs="*", default=["mask", "rodent"])
    arguments = parser.parse_args()
    data, work = arguments.data.resolve(), arguments.work.resolve()
    folder = subprocess.run(
        ["node", "-e", f"import('{HERE.parent}/src/default-model.ts').then((m) => process.stdout.write(m.defaultModelFolder))"],
        check=True, capture_output=True, text=True,
    ).stdout
    model = json.loads((Path(folder) / "manifest.json").read_text())
    print(f"{model['id']} {model['version']} {model['sha256']}")
    if "mask" in arguments.heads:
        samples = mask_samples(data, work, model["sha256"])
        setup = {"kind": "pooled", "size": 128, "margin": 0.1, "grid": 2, "strides": [8, 16]}
        notes = "trained by training/train_heads.py on face crops and scenes whose pictures are not distributed (see README.md)"
        train("mask", samples, setup, ["mask", "no mask"], work, model, mask_thresholds, 40, notes)
    if "rodent" in arguments.heads:
        samples = rodent_samples(data, work)
        setup = {"kind": "pooled", "size": 128, "margin": 0.5, "grid": 2, "strides": [8, 16]}
        notes = "trained by training/train_heads.py on web pictures of rats, COCO objects and a street video (see README.md)"
        train("rodent", samples, setup, ["other", "rodent"], work, model, rodent_thresholds, 10, notes)


if __name__ == "__main__":
    main()
