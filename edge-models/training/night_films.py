#!/usr/bin/env python3
"""Composes short films of a fixed camera at night: an animal that runs about, or something else that moves.

    python night_films.py --data ../../../shared/vision --out FOLDER [--part train|test] [--animals 90] [--others 100] [--seed 2]

Writes `<film>/0000.jpg …` at two frames a second and `<film>/film.json`: `{ "kind", "animal": [[left, top, right, bottom] | null, one
for each frame], "pixels", "source" }`. Animals are cut out of labelled pictures (cutouts.py), backgrounds are still pictures. No
film, picture or near-duplicate group is in both parts. The same arguments give the same films.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from cutouts import Cutout, Material, gather
from disturbances import DISTURBANCES, PIECES, Painter, Stage, paste

WIDTH, HEIGHT = 640, 360
FPS = 2
# Quiet frames before and after; what happens lasts so long in between, in seconds.
LEAD, TAIL = 7, 3
SECONDS = (5.0, 12.0)


def night(picture: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, bool]:
    """A still picture as a camera shows it at night: mostly infra-red without colour, a lit middle, darker corners."""
    scale = max(WIDTH / picture.shape[1], HEIGHT / picture.shape[0]) * random.uniform(1.0, 1.2)
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x = int(random.integers(0, picture.shape[1] - WIDTH + 1))
    y = int(random.integers(0, picture.shape[0] - HEIGHT + 1))
    picture = picture[y : y + HEIGHT, x : x + WIDTH].astype(np.float32)
    is_grey = random.random() < 0.75
    if is_grey:
        picture = np.repeat(picture.mean(2, keepdims=True), 3, 2)
    picture = 128 + (picture - 128) * np.float32(random.uniform(0.5, 0.95))
    return picture * lighting(random) * np.float32(random.uniform(45, 115) / max(20.0, float(picture.mean()))), is_grey


def lighting(random: np.random.Generator) -> np.ndarray:
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    distance = np.hypot((xs / WIDTH - random.uniform(0.35, 0.65)) / 0.7, (ys / HEIGHT - random.uniform(0.4, 0.7)) / 0.8)
    return (1 - np.float32(random.uniform(0.2, 0.6)) * np.minimum(1, distance**2))[..., None].astype(np.float32)


class Run:
    """Where an animal is: straight runs between places on the lower part of the picture, with stops."""

    def __init__(self, random: np.random.Generator, seconds: float) -> None:
        from_left = random.random() < 0.5
        at = np.asarray([-0.03 if from_left else 1.03, random.uniform(0.45, 0.95)])
        self.times, self.places = [0.0], [at]
        while self.times[-1] < seconds:
            ahead = (1 if from_left else -1) * random.uniform(0.12, 0.5) * (1 if random.random() < 0.8 else -0.6)
            to = np.asarray([at[0] + ahead, np.clip(at[1] + random.uniform(-0.18, 0.18), 0.4, 0.97)])
            speed = float(np.exp(random.uniform(np.log(0.06), np.log(0.45))))
            self._reach(to, np.linalg.norm(to - at) / speed)
            if random.random() < 0.55:
                self._reach(to, random.uniform(0.4, 3.0))
            at = to
            if not -0.05 <= at[0] <= 1.05:
                break

    def _reach(self, to: np.ndarray, seconds: float) -> None:
        self.times.append(self.times[-1] + seconds)
        self.places.append(to)

    @property
    def seconds(self) -> float:
        return self.times[-1]

    def at(self, time: float) -> tuple[float, float]:
        xs, ys = zip(*self.places)
        return float(np.interp(time, self.times, xs)), float(np.interp(time, self.times, ys))


def animal(cutout: Cutout, random: np.random.Generator, seconds: float, is_grey: bool, pixels: float) -> tuple[Painter, Run]:
    run = Run(random, seconds)
    while run.seconds < 2.5:
        run = Run(random, seconds)
    gain = random.uniform(0.45, 1.25)
    tilt = random.uniform(-20, 20)
    faces_left = random.random() < 0.5
    has_shadow = random.random() < 0.5

    def paint(stage: Stage, time: float) -> None:
        x, y = run.at(time)
        before = run.at(max(0.0, time - 0.04))
        step = ((x - before[0]) * WIDTH, (y - before[1]) * HEIGHT)
        size = pixels * (0.8 + 0.4 * y)
        stage.animal = paste(
            stage.picture, cutout.rgba, x * WIDTH, y * HEIGHT, size, gain=gain, grey=is_grey, turn=tilt + 6 * np.sin(time * 7),
            flip=faces_left != (x < run.at(time + 0.3)[0]), blur=step, shadow=has_shadow,
        )

    return paint, run


def compose(kind: str, material: Material, seed: int, folder: Path) -> None:
    random = np.random.default_rng(seed)
    background, is_grey = night(cv2.imread(str(random.choice(material.backgrounds))), random)
    seconds = random.uniform(*SECONDS)
    source, pixels = kind, 0.0
    if kind == "animal":
        cutout = material.pick(material.animals, random)
        source, pixels = cutout.group, float(np.exp(random.uniform(np.log(10), np.log(80))))
        paint, run = animal(cutout, random, seconds, is_grey, pixels)
        seconds = min(seconds, run.seconds)
    else:
        paint = (DISTURBANCES | PIECES)[kind](material, random, is_grey, background)
    noise, quality = random.uniform(1.5, 6), int(random.integers(35, 88))
    drift, phase = random.uniform(0, 0.04), random.uniform(0, 6)
    grain = random.standard_normal((HEIGHT + 128, WIDTH + 128, 1 if is_grey else 3), np.float32)
    grain = cv2.GaussianBlur(grain, (3, 3), 0.6).reshape(HEIGHT + 128, WIDTH + 128, -1)
    folder.mkdir(parents=True, exist_ok=True)
    truth: list[list[float] | None] = []
    for frame in range(LEAD + int(seconds * FPS) + TAIL):
        time = (frame - LEAD) / FPS
        stage = Stage(background.copy(), noise, quality)
        if 0 <= time <= seconds:
            paint(stage, time)
        picture = stage.picture * np.float32(1 + drift * np.sin(frame / 9 + phase))
        # drawn once for a film, entered at another place for each frame: drawing it anew would cost more than all else
        x, y = random.integers(0, 128, 2)
        picture = picture + grain[y : y + HEIGHT, x : x + WIDTH] * (stage.noise * 1.6)
        picture = np.clip(picture, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{frame:04d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, stage.quality])
        truth.append(stage.animal)
    film = {"kind": kind, "animal": truth, "pixels": round(pixels, 1), "source": source, "fps": FPS}
    (folder / "film.json").write_text(json.dumps(film))


def films(data: Path, out: Path, part: str, animals: int, others: int, seed: int, kinds: tuple[str, ...] = tuple(DISTURBANCES)) -> list[Path]:
    """Composes what is not there yet; folders in order."""
    material = gather(data, out.parent / "cutouts", part)
    wanted = ["animal"] * animals + [kinds[n % len(kinds)] for n in range(others)]
    folders = []
    for number, kind in enumerate(wanted):
        folder = out / f"{number:04d}-{kind}"
        if not (folder / "film.json").exists():
            compose(kind, material, seed * 100_000 + number, folder)
        folders.append(folder)
        if number % 40 == 39 or number == len(wanted) - 1:
            print(f"films {part} {number + 1}/{len(wanted)}", flush=True)
    return folders


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", choices=["train", "test"], default="test")
    parser.add_argument("--animals", type=int, default=90)
    parser.add_argument("--others", type=int, default=100)
    parser.add_argument("--seed", type=int, default=2)
    given = parser.parse_args()
    films(given.data.resolve(), given.out.resolve(), given.part, given.animals, given.others, given.seed)
