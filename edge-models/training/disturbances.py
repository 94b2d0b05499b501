"""What moves at night and is no animal. Each function takes material and a random generator and gives a painter of frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from cutouts import Cutout, Material


@dataclass
class Stage:
    """A frame in the making, and how the camera will take it."""

    picture: np.ndarray
    noise: float
    quality: int
    animal: list[float] | None = None


Painter = Callable[[Stage, float], None]


def paste(
    picture: np.ndarray, rgba: np.ndarray, x: float, y: float, size: float, *, gain: float = 1.0, grey: bool = True, turn: float = 0.0,
    flip: bool = False, blur: tuple[float, float] = (0.0, 0.0), shadow: bool = False,
) -> list[float] | None:
    """Puts a cutout of `size` pixels (longer side) around (x, y); its box in fractions of the picture, or None when it is outside."""
    height, width = picture.shape[:2]
    if flip:
        rgba = rgba[:, ::-1]
    scale = size / max(rgba.shape[:2])
    reach = int(size / 2 + max(abs(blur[0]), abs(blur[1])) + 4)
    side = 2 * reach + 1
    small = cv2.resize(rgba.astype(np.float32), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    small[..., :3] *= small[..., 3:] / 255
    matrix = cv2.getRotationMatrix2D((small.shape[1] / 2, small.shape[0] / 2), turn, 1)
    matrix[:, 2] += (reach + x % 1 - small.shape[1] / 2, reach + y % 1 - small.shape[0] / 2)
    tile = cv2.warpAffine(small, matrix, (side, side), flags=cv2.INTER_LINEAR)
    length = float(np.hypot(*blur))
    if length > 1:
        kernel = np.zeros((2 * int(length / 2) + 3,) * 2, np.float32)
        middle = kernel.shape[0] // 2
        unit = np.asarray(blur) / length * (length / 2)
        cv2.line(kernel, (round(middle - unit[0]), round(middle - unit[1])), (round(middle + unit[0]), round(middle + unit[1])), 1.0)
        tile = cv2.filter2D(tile, -1, kernel / kernel.sum())
    left, top = int(x) - reach, int(y) - reach
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    tile = tile[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = tile[..., 3:] / 255
    colour = tile[..., :3] * gain
    if grey:
        colour = np.repeat(colour.mean(2, keepdims=True), 3, 2)
    part = picture[y0:y1, x0:x1]
    if shadow:
        part *= 1 - 0.35 * cv2.GaussianBlur(np.roll(alpha, max(1, int(size / 10)), 0), (0, 0), max(1.0, size / 12))[..., None]
    # lit as the place where it is
    level = float(np.clip(part.mean() / 100, 0.35, 1.3))
    part[:] = part * (1 - alpha) + colour * level * alpha
    ys, xs = np.nonzero(alpha[..., 0] > 0.35)
    if len(xs) < 4:
        return None
    return [round(float(v), 5) for v in ((x0 + xs.min()) / width, (y0 + ys.min()) / height, (x0 + xs.max() + 1) / width, (y0 + ys.max() + 1) / height)]


def spot(picture: np.ndarray, x: float, y: float, wide: float, tall: float, change: float, soft: float = 0.5) -> None:
    """Makes an ellipse brighter or darker by a factor."""
    height, width = picture.shape[:2]
    x0, x1 = int(np.clip(x - wide - 1, 0, width)), int(np.clip(x + wide + 2, 0, width))
    y0, y1 = int(np.clip(y - tall - 1, 0, height)), int(np.clip(y + tall + 2, 0, height))
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    distance = np.hypot((xs - np.float32(x)) / np.float32(wide), (ys - np.float32(y)) / np.float32(tall))
    picture[y0:y1, x0:x1] *= (1 + np.float32(change) * np.clip((1 - distance) / np.float32(soft), 0, 1))[..., None]


def thing(material: Material, random: np.random.Generator) -> np.ndarray:
    """Something cut out, or a piece of any picture with a soft outline: a cloth, a sheet, a bag."""
    if random.random() < 0.4:
        return material.pick(material.things, random).rgba
    picture = cv2.imread(str(random.choice(material.backgrounds)))
    wide, tall = (int(v) for v in random.integers(50, 140, 2))
    x, y = int(random.integers(0, picture.shape[1] - wide)), int(random.integers(0, picture.shape[0] - tall))
    ys, xs = np.mgrid[-1 : 1 : tall * 1j, -1 : 1 : wide * 1j]
    angle = np.arctan2(ys, xs)
    edge = 0.8 + sum(random.uniform(-0.14, 0.14) * np.sin((n + 1) * angle + random.uniform(0, 6)) for n in range(4))
    alpha = np.clip((edge - np.hypot(xs, ys)) * 12, 0, 1) * 255
    return np.dstack([picture[y : y + tall, x : x + wide], alpha.astype(np.uint8)])


def swaying(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """A curtain, a leaf, a cable, a cloth: a part of the picture that swings about where it hangs."""
    rgba = material.pick(material.things, random).rgba
    x, y, size = random.uniform(40, 600), random.uniform(30, 300), random.uniform(20, 120)
    swing, speed, gain = random.uniform(3, 30), random.uniform(0.8, 5), random.uniform(0.4, 1.2)

    def paint(stage: Stage, time: float) -> None:
        phase = np.sin(time * speed) * (0.6 + 0.4 * np.sin(time * 0.37))
        paste(stage.picture, rgba, x + swing * phase, y + abs(phase) * 2, size, gain=gain, grey=is_grey, turn=12 * phase)

    return paint


def insect(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """One to three that fly or crawl, lit by the camera's own light, out of focus when near."""
    flies = []
    for _ in range(int(random.integers(1, 4))):
        count = 60
        turns = np.cumsum(random.normal(0, random.uniform(0.2, 1.5), count))
        step = random.uniform(4, 120)
        start = random.uniform((0, 0), (640, 360))
        way = start + np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * step, 0)
        flies.append((way, random.uniform(2, 16), random.uniform(1, 3.5), random.choice([-0.6, 0.6, 1.5, 3.0]), random.uniform(0.3, 1)))

    def paint(stage: Stage, time: float) -> None:
        for way, size, longer, change, soft in flies:
            x, y = way[int(time * 2) % len(way)]
            wide, tall = (size * longer, size) if int(time * 2) % 2 == 0 else (size, size * longer)
            spot(stage.picture, x % 640, y % 360, wide, tall, change, soft)

    return paint


def lamp(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """A lamp that swings, and its light with it."""
    x, y, swing, speed = random.uniform(100, 540), random.uniform(20, 150), random.uniform(5, 50), random.uniform(0.8, 4)
    glow, size = random.uniform(0.3, 1.2), random.uniform(5, 14)

    def paint(stage: Stage, time: float) -> None:
        shift = swing * np.sin(time * speed) * np.exp(-time / 12)
        spot(stage.picture, x + 3 * shift, y + 170, 150, 70, glow, 1.0)
        spot(stage.picture, x + shift, y, size, size, 4.0, 0.4)

    return paint


def shadows(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """Of something outside: soft and dark, or the light of a car."""
    marks = [
        (random.uniform(-50, 690), random.uniform(60, 330), random.uniform(-130, 130), random.uniform(8, 90), random.uniform(8, 70),
         random.choice([-0.75, -0.5, -0.3, 0.6, 1.2]), random.uniform(0.2, 1)) for _ in range(int(random.integers(1, 4)))
    ]

    def paint(stage: Stage, time: float) -> None:
        for x, y, speed, wide, tall, change, soft in marks:
            spot(stage.picture, x + speed * time, y, wide, tall, change, soft)

    return paint


def noise(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """The sensor's gain goes up; single pixels flare."""
    peak = random.uniform(8, 22)

    def paint(stage: Stage, time: float) -> None:
        stage.noise = peak if int(time) % 4 < 2 else stage.noise
        for _ in range(int(random.integers(0, 14))):
            x, y = int(random.integers(0, 638)), int(random.integers(0, 358))
            stage.picture[y : y + 2, x : x + 2] += random.uniform(40, 160)

    return paint


def pumping(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """The film is compressed by turns much and little, and the sharpness goes up and down with it."""
    worst = int(random.integers(6, 20))

    def paint(stage: Stage, time: float) -> None:
        if int(time * 2) % 4 < 2:
            stage.quality = worst
            stage.picture[:] = cv2.GaussianBlur(stage.picture, (0, 0), 1.2)

    return paint


def feet(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """Somebody at the edge of the picture, of whom only the feet are seen."""
    rgba = material.pick(material.feet, random).rgba
    size, speed, gain = random.uniform(35, 130), random.choice([-1, 1]) * random.uniform(20, 140), random.uniform(0.5, 1.1)
    start, from_top = random.uniform(0, 640), random.random() < 0.4

    def paint(stage: Stage, time: float) -> None:
        bob = 8 * np.sin(time * 6)
        for side in (-1, 1):
            x = start + speed * time + side * size * 0.35 * np.sin(time * 5)
            paste(stage.picture, rgba, x % 700 - 30, 6 + bob if from_top else 348 - size / 4 + side * bob, size, gain=gain, grey=is_grey, flip=side > 0)

    return paint


def switched(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """Light goes on or off, in the whole room or behind a door; the camera's own gain follows."""
    gain, at = random.choice([-0.5, -0.3, 0.5, 1.2]), random.uniform(0.5, 3)
    place = None if random.random() < 0.4 else (random.uniform(0, 640), random.uniform(0, 360), random.uniform(15, 200), random.uniform(15, 150))

    def paint(stage: Stage, time: float) -> None:
        if time < at:
            return
        if place is None:
            stage.picture *= 1 + gain * (0.4 + 0.6 * np.exp(-(time - at) / 2))
        else:
            spot(stage.picture, *place, gain, 0.15)

    return paint


def blown(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """A bag, a lid, a ball, a sheet of paper: a thing that rolls or is blown across the floor."""
    rgba = material.pick(material.things, random).rgba
    x, y, size = random.uniform(0, 640), random.uniform(150, 345), float(np.exp(random.uniform(np.log(12), np.log(80))))
    speed, spin, gain = random.choice([-1, 1]) * random.uniform(15, 150), random.uniform(-160, 160), random.uniform(0.4, 1.2)
    way = np.cumsum(random.normal(0, 4, 40))

    def paint(stage: Stage, time: float) -> None:
        gust = 0.5 + 0.5 * np.sin(time * 1.3)
        paste(stage.picture, rgba, (x + speed * time * gust) % 700 - 30, y + way[int(time * 2) % 40], size, gain=gain, grey=is_grey, turn=spin * time)

    return paint


def drops(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """Steam, drips, dust before the lens, rain on a window: bright soft marks that come and go."""
    rate, change = random.integers(1, 7), random.uniform(0.3, 1.5)
    place = random.uniform((60, 60), (580, 300))

    def paint(stage: Stage, time: float) -> None:
        for _ in range(int(rate)):
            x, y = random.normal(place, (60, 40))
            spot(stage.picture, x, y, random.uniform(3, 40), random.uniform(3, 40), change * random.uniform(0.4, 1), 1.0)

    return paint


def blown_piece(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """As `blown`, of any piece."""
    return blown(Material([], [Cutout("", thing(material, random))], [], []), random, is_grey, background)


def swaying_piece(material: Material, random: np.random.Generator, is_grey: bool, background: np.ndarray) -> Painter:
    """As `swaying`, of any piece."""
    return swaying(Material([], [Cutout("", thing(material, random))], [], []), random, is_grey, background)


# more of what is hardest to tell from an animal
PIECES = {"blown-piece": blown_piece, "swaying-piece": swaying_piece}
DISTURBANCES = {
    "swaying": swaying, "insect": insect, "lamp": lamp, "shadows": shadows, "noise": noise, "pumping": pumping, "feet": feet,
    "switched": switched, "blown": blown, "drops": drops,
}
