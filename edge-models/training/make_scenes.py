"""Makes many small scenes to measure "unusual scene" with, none of them a real kitchen.

  python make_scenes.py --data ../../../shared/vision --out FOLDER [--half develop|report] [--only NAME ...]
  node ../src/evaluate.ts --data FOLDER/develop --task anomaly

Each scene is one still (or real frames of a street) seen through a simulated camera: sensor noise, light that drifts
while it is learnt and on, JPEG, and in some half a pixel of vibration. `test_normal` goes on later; `test_benign_*` are
+-30 % of light, JPEG quality 25, an exposure step, a softer lens, more noise, a little shake; the other `test_*` show
something that was not there: mice, people, things, a piece of the scene in another place, a spill. The same seed gives
the same pictures. Half of the scenes are for development; the others, of other stills and with other things in them (but
of the same film), are for figures. Needs ffmpeg in the path.
"""

import argparse
import io
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

STATIC_PER_HALF = 10
BENIGN = {
    "bright": {"gain": 1.3},
    "dim": {"gain": 0.7},
    "jpeg25": {"quality": 25},
    "exposure": {"gain": 1.15, "gamma": 0.9},
    "soft": {"blur": 0.7},
    "noise": {"noise": 1.5},
    "shake": {"shake": 0.8},
}


def boxes(label):
    if not label.exists():
        return []
    return [tuple(map(float, line.split())) for line in label.read_text().splitlines() if line.strip()]


class Sources:
    """Stills and cut-outs of one half: never the same file in both."""

    def __init__(self, data, half):
        def mine(paths):
            return sorted(paths)[half::2]

        def labelled(folder):
            paths = mine((data / folder / "images").glob("*.*"))
            return [(path, boxes(data / folder / "labels" / f"{path.stem}.txt")) for path in paths]

        self.coco = labelled("coco128_train2017")
        self.rats = labelled("rats")
        self.faces = mine((data / "facemask_boxes/images").iterdir())

    def background(self, rng, kind):
        if kind == "rats":
            options = [p for p, found in self.rats if found]
        elif kind == "people":
            options = self.faces
        else:
            options = [p for p, found in self.coco if found and not any(box[0] == 0 for box in found)]
        return options[rng.integers(len(options))]

    def cut(self, rng, kind, size):
        """An upright cut-out whose longer side is `size`, with soft edges, as RGBA."""
        pool = self.rats if kind == "mouse" else self.coco
        while True:
            path, found = pool[rng.integers(len(pool))]
            fits = {
                "mouse": lambda b: b[3] * b[4] < 0.5,
                "person": lambda b: b[0] == 0 and b[4] > 0.4 and b[3] > 0.1,
                "thing": lambda b: b[0] != 0 and 0.12 < b[3] < 0.9 and b[4] > 0.12,
            }[kind]
            found = [box for box in found if fits(box)]
            if not found:
                continue
            _, x, y, w, h = found[rng.integers(len(found))]
            image = Image.open(path).convert("RGB")
            width, height = image.size
            area = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            crop = image.crop(tuple(map(int, area)))
            if max(crop.size) < 20:
                continue
            factor = size / max(crop.size)
            fitting = tuple(max(6, round(side * factor)) for side in crop.size)
            return with_soft_edge(crop.resize(fitting, Image.LANCZOS))


def with_soft_edge(crop):
    mask = Image.new("L", crop.size, 0)
    ImageDraw.Draw(mask).ellipse((0, 0, crop.width - 1, crop.height - 1), fill=255)
    crop.putalpha(mask.filter(ImageFilter.GaussianBlur(max(0.6, min(crop.size) * 0.03))))
    return crop


def spill(rng, size):
    """Where a liquid lies: some blobs that run into each other, soft, half transparent."""
    big = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(big)
    for _ in range(5):
        cx, cy = rng.uniform(0.3, 0.7, 2) * size
        rx, ry = rng.uniform(0.12, 0.3, 2) * size
        draw.ellipse((cx - rx, cy - ry * 0.6, cx + rx, cy + ry * 0.6), fill=int(rng.uniform(110, 190)))
    colour = [(60, 30, 20), (200, 190, 170), (90, 20, 20), (40, 45, 50)][rng.integers(4)]
    image = Image.new("RGB", (size, size), colour)
    image.putalpha(big.filter(ImageFilter.GaussianBlur(2)))
    return image


class Camera:
    def __init__(self, rng, folder):
        self.rng = rng
        self.folder = folder
        self.noise = rng.uniform(1.5, 5.5)
        self.quality = int(rng.integers(60, 90))
        self.drift = rng.uniform(0.03, 0.12)
        self.period = rng.uniform(40, 300)
        self.vibration = 0.0 if rng.random() < 0.5 else rng.uniform(0.2, 0.6)
        self.walk = 0.0

    def take(self, run, number, image, time, gain=1.0, gamma=1.0, quality=None, blur=0.0, noise=1.0, shake=0.0):
        rng = self.rng
        self.walk = 0.95 * self.walk + rng.normal() * 0.004
        light = gain * (1 + self.drift * np.sin(2 * np.pi * time / self.period) + self.walk)
        amount = max(shake, self.vibration)
        if amount > 0:
            dx, dy = rng.normal(size=2) * amount
            image = image.transform(image.size, Image.AFFINE, (1, 0, dx, 0, 1, dy), Image.BILINEAR)
        if blur > 0:
            image = image.filter(ImageFilter.GaussianBlur(blur))
        values = np.asarray(image, np.float32)
        if gamma != 1:
            values = 255 * (values / 255) ** gamma
        values = values * light + rng.standard_normal(values.shape, np.float32) * (self.noise * noise)
        target = self.folder / run
        target.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
        picture.save(target / f"{number:04}.jpg", quality=quality or self.quality)


def paste(image, patch, x, y, strength=1.0):
    image = image.copy()
    if strength < 1:
        patch.putalpha(patch.getchannel("A").point(lambda v: int(v * strength)))
    image.paste(patch, (int(x), int(y)), patch)
    return image


def unusual(rng, sources, size, people):
    """Runs that must be found: name, and what is put where, frame by frame."""

    def moving(patch, x, y, step, strength=1.0):
        def change(image, n):
            left = np.clip(x + n * step[0], 0, size[0] - patch.width)
            top = np.clip(y + n * step[1], 0, size[1] - patch.height)
            return paste(image, patch.copy(), left, top, strength)

        return change

    def moved(side, source, target):
        def change(image, _):
            left, top = map(int, source)
            return paste(image, with_soft_edge(image.crop((left, top, left + side, top + side))), *target)

        return change

    for kind, sizes in {"mouse": [15, 24, 36, 60], "thing": [22, 32, 48, 80]}.items():
        for side in sizes:
            patch = sources.cut(rng, kind, side)
            x, y = rng.uniform(0.02, 0.98, 2) * (size[0] - patch.width, size[1] - patch.height)
            step = rng.normal(size=2) * (6 if kind == "mouse" else 0)
            strength = 1.0 if side < 30 else rng.uniform(0.75, 1)
            yield f"test_{kind}{side}", moving(patch, x, y, step, strength)
    for side in [120, 260] if people else []:
        patch = sources.cut(rng, "person", side)
        x = rng.uniform(0.05, 0.95) * (size[0] - patch.width)
        y = size[1] - patch.height - rng.uniform(0, 0.2) * size[1]
        yield f"test_person{side}", moving(patch, x, y, (5, 0))
    for side in (40, 70):
        places = rng.uniform(0.05, 0.95, 4) * np.array([size[0] - side, size[1] - side] * 2)
        yield f"test_moved{side}", moved(side, places[:2], places[2:])
    patch = spill(rng, int(rng.integers(70, 130)))
    x, y = rng.uniform(0.1, 0.9) * (size[0] - patch.width), rng.uniform(0.5, 0.95) * (size[1] - patch.height)
    yield "test_spill", moving(patch, x, y, (0, 0))


def fill(camera, frames, learnt, runs, each=5):
    """`frames(time)` gives the scene without anything unusual; times go on from run to run."""
    for n in range(learnt):
        camera.take("train_normal", n, frames(n), n)
    time = learnt
    for n in range(30):
        camera.take("test_normal", n, frames(time + n), time + n)
    time += 30
    for name, how in BENIGN.items():
        for n in range(8):
            camera.take(f"test_benign_{name}", n, frames(time + n), time + n, **how)
        time += 8
    for name, change in runs:
        for n in range(each):
            camera.take(name, n, change(frames(time + n), n), time + n)
        time += each


def film(path, every, crop=None):
    """Frames of the street, as they follow each other."""
    chosen = ["-vf", f"select=not(mod(n\\,{every}))", "-vsync", "0"]
    command = ["ffmpeg", "-loglevel", "error", "-i", path, *chosen, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    frames = [Image.fromarray(frame) for frame in np.frombuffer(raw, np.uint8).reshape(-1, 576, 768, 3)]
    return [frame if crop is None else frame.crop(crop) for frame in frames]


def make(data, out, half, only):
    sources = Sources(data, half)
    root = out / ("develop", "report")[half]
    for number in range(STATIC_PER_HALF):
        kind = "rats" if number in (6, 7) else "people" if number == 8 else "street" if number == 9 else "coco"
        name = f"static{number}-{kind}"
        if only and name not in only:
            continue
        rng = np.random.default_rng([half, number])
        size = [(640, 480), (640, 360), (768, 576), (704, 576)][number % 4]
        if kind == "street":
            frames = np.stack([np.asarray(frame) for frame in film(data / "video/vtest.avi", 20)])
            still = Image.fromarray(np.median(frames, axis=0).astype(np.uint8))
            still = still.crop((0, 0, 480, 360) if half == 0 else (288, 216, 768, 576)).resize(size, Image.LANCZOS)
        else:
            still = Image.open(sources.background(rng, kind)).convert("RGB")
            factor = max(size[0] / still.width, size[1] / still.height)
            fitting = (round(still.width * factor) + 1, round(still.height * factor) + 1)
            still = still.resize(fitting, Image.LANCZOS).crop((0, 0, *size))
        camera = Camera(rng, root / name)
        fill(camera, lambda _, image=still: image, [40, 200, 60, 120][number % 4], unusual(rng, sources, size, True))
        light = f"noise {camera.noise:.1f} drift {camera.drift:.2f}"
        print(name, light, f"vibration {camera.vibration:.1f} quality {camera.quality}", flush=True)
    crops = [(0, 0, 512, 432), (200, 100, 768, 576)] if half == 0 else [None, (0, 144, 512, 576)]
    for number, crop in enumerate(crops):
        name = f"busy{number}"
        if only and name not in only:
            continue
        rng = np.random.default_rng([half, 100 + number])
        frames = film(data / "video/vtest.avi", 2, crop)
        camera = Camera(rng, root / name)
        camera.vibration = 0.0
        camera.noise = 1.0
        # the film is shorter than all runs: those that go beyond its end begin again behind what was learnt
        learnt = [40, 200][number]
        later = len(frames) - learnt

        def at(time, frames=frames, learnt=learnt, later=later):
            return frames[time if time < learnt else learnt + (time - learnt) % later]

        fill(camera, at, learnt, unusual(rng, sources, frames[0].size, False))
        print(name, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--half", choices=["develop", "report"])
    parser.add_argument("--only", nargs="*")
    args = parser.parse_args()
    for half, name in enumerate(["develop", "report"]):
        if args.half in (None, name):
            make(args.data, args.out, half, args.only)
