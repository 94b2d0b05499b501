#!/usr/bin/env python3
"""Trains the shipped heads on the default detector's inner layers: mask and rodent.

    python train_heads.py --data ../../../shared/vision [--work FOLDER] [--heads mask rodent] [--out FOLDER] [--part train|all]

Descriptors come from `describe.ts`, the code that runs at a site. They are kept in the work folder by network, setup and
pictures, in parts of 200 pictures: an interrupted run goes on where it was. Folds keep near-duplicate groups together: `gNNNN`
in a name, else pictures whose difference hashes are close. Writes `<head>/head.json` (fitted on everything), the figures of the
folds into it, and `<head>/result.png`. The same data and network give the same head. The rodents' head leaves out the groups that
`night_films.py --part test` shows, so that the rule as a whole is measured on animals its head has never seen; `--part all` takes them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from cutouts import part_of
from describing import HERE, Sample, describe
from disturbances import DISTURBANCES, PIECES
from fitting import FOLDS, auroc, cross_validate, fit, loss, platt
from mask_data import mask_samples, mask_thresholds
from night_films import films
from rodent_data import film_samples, rodent_samples, rodent_thresholds

PENALTIES = (20.0, 5.0, 2.0, 1.0)
# composed films, all of the part "train": folder, films with an animal, films of other things, seed, of what
FILMS = (
    ("train", 110, 110, 1, tuple(DISTURBANCES)),
    ("train-b", 70, 0, 3, ()),
    ("train-c", 0, 90, 4, tuple(PIECES)),
)


Thresholds = Callable[[np.ndarray, np.ndarray, list], list[float]]


@dataclass
class Task:
    name: str
    version: str
    classes: list[str]
    setup: dict
    certain: Thresholds
    minimum: int
    source: str


def train(task: Task, batches: list[list[Sample]], keep: Callable[[Sample], bool], work: Path, model: dict, out: Path) -> None:
    """Batches are described apart, so that a change of one leaves what is known of the others."""
    name, classes, setup = task.name, task.classes, task.setup
    x = np.concatenate([describe(batch, setup, work / name, model["sha256"], name)[0] for batch in batches])
    samples = [sample for batch in batches for sample in batch]
    kept = np.asarray([keep(sample) for sample in samples for _ in sample.labels])
    rows = [(sample, region) for sample in samples if keep(sample) for region in sample.regions]
    x, y = x[kept], np.asarray([label for sample in samples for label in sample.labels], float)[kept]
    groups = np.asarray([sample.group for sample, _ in rows])
    kinds = np.asarray([sample.kind for sample, _ in rows])
    tried = {penalty: cross_validate(x, y, groups, penalty) for penalty in PENALTIES}
    penalty = min(tried, key=lambda p: loss(tried[p], y))
    slope, offset = platt(tried[penalty], y)
    odds = slope * tried[penalty] + offset
    p = 1 / (1 + np.exp(-odds))
    thresholds = task.certain(p, y, rows)
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
        "version": task.version,
        "task": name,
        "classes": classes,
        "descriptor": setup,
        "modelSha256": model["sha256"],
        "standardisation": {"mean": short(mean), "scale": short(scale)},
        "weights": [short(weights * slope)],
        "bias": [float(f"{bias * slope + offset:.6g}")],
        "thresholds": {"certain": [float(f"{value:.4g}") for value in thresholds], "minRegionPixels": task.minimum},
        "evaluation": evaluation,
        "licence": "Apache-2.0",
        "source": task.source,
    }
    folder = out / name
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "frostlight-heads")
    parser.add_argument("--heads", nargs="*", default=["mask", "rodent"])
    parser.add_argument("--out", type=Path, default=HERE.parent / "heads")
    parser.add_argument("--part", choices=["all", "train"], default="train")
    arguments = parser.parse_args()
    data, work, out = arguments.data.resolve(), arguments.work.resolve(), arguments.out.resolve()
    folder = subprocess.run(
        ["node", "-e", f"import('{HERE.parent}/src/default-model.ts').then((m) => process.stdout.write(m.defaultModelFolder))"],
        check=True, capture_output=True, text=True,
    ).stdout
    model = json.loads((Path(folder) / "manifest.json").read_text())
    print(f"{model['id']} {model['version']} {model['sha256']}")
    if "mask" in arguments.heads:
        setup = {"kind": "pooled", "size": 128, "margin": 0.1, "grid": 2, "strides": [8, 16]}
        notes = "trained by training/train_heads.py on face crops and scenes whose pictures are not distributed (see README.md)"
        task = Task("mask", "1.0.0", ["mask", "no mask"], setup, mask_thresholds, 40, notes)
        train(task, [mask_samples(data, work, model["sha256"])], lambda sample: True, work, model, out)
    if "rodent" in arguments.heads:
        setup = {"kind": "pooled", "size": 128, "margin": 0.5, "grid": 2, "strides": [8, 16]}
        notes = "trained by training/train_heads.py on pictures of rats, composed films, COCO objects and a street video (see README.md)"
        task = Task("rodent", "1.1.0", ["other", "rodent"], setup, rodent_thresholds, 10, notes)
        batches = [rodent_samples(data, work)]
        for name, animals, others, seed, kinds in FILMS:
            batches.append(film_samples(films(data, work / "films" / name, "train", animals, others, seed, kinds)))
        is_kept = (lambda sample: True) if arguments.part == "all" else lambda sample: sample.is_film or part_of(sample.group) == "train"
        train(task, batches, is_kept, work, model, out)


if __name__ == "__main__":
    main()
