"""Regions of pictures → descriptors, by the code that runs at a site (describe.ts), kept in a work folder."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PART = 200


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

    @property
    def is_film(self) -> bool:
        return self.kind.startswith("films")

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
