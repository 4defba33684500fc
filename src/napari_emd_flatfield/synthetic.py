"""A small scan made up from first principles, with the truth known.

Particles drift through a field whose illumination rolls off towards the edges
and wanders between two flats; the detector has an offset, pixels of different
gain and dead ones, and counts photons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .signal import Axis, Signal

_OFFSET = 120.0
_PHOTONS = 6000.0
_PIXEL = 0.5  # nm
_LENGTH = 500.0  # nm


@dataclass(frozen=True)
class Scan:
    """A scan and what it would show without illumination, detector and noise.

    Parameters
    ----------
    raw
        Shape (n, y, x), uint16, at positions 0…500 nm.
    flats
        Shape (2, y, x), uint16, at positions 0 and 500 nm.
    dark
        Shape (y, x), uint16.
    truth
        Transmission of the sample, 1 beside it; shape (n, y, x), float32.
    dead
        Pixels that do not respond; shape (y, x), bool.
    """

    raw: Signal
    flats: Signal
    dark: Signal
    truth: np.ndarray
    dead: np.ndarray


def make_scan(
    frames: int = 51, shape: tuple[int, int] = (256, 320), seed: int = 7
) -> Scan:
    """Simulate a scan.

    Parameters
    ----------
    frames
        Number of raw frames.
    shape
        Height and width of a frame, in pixels.
    seed
        Of the random numbers: the same seed gives the same scan.
    """
    random = np.random.default_rng(seed)
    positions = np.linspace(0, _LENGTH, frames)
    truth = _particles(positions, shape, random)
    gain = random.normal(1, 0.03, shape)
    dead = random.random(shape) < 4e-4
    gain[dead] = 0
    offset = _OFFSET + random.normal(0, 4, shape)
    lit = _illumination(shape, (0.42, 0.38), 1.0), _illumination(shape, (0.6, 0.7), 0.8)

    def expose(light: np.ndarray, exposures: int = 1) -> np.ndarray:
        counts = random.poisson(_PHOTONS * exposures * gain * light) / exposures
        # A dead pixel reads exactly its dark, in flats as in frames.
        return np.asarray(np.rint(counts + np.rint(offset)), np.uint16)

    raw = np.empty((frames, *shape), np.uint16)
    for i, position in enumerate(positions):
        share = position / _LENGTH
        raw[i] = expose(truth[i] * ((1 - share) * lit[0] + share * lit[1]))
    flats = np.stack([expose(light, exposures=25) for light in lit])
    dark = np.rint(offset).astype(np.uint16)

    y, x = (
        Axis(n, "nm", _PIXEL * np.arange(k)) for n, k in zip("yx", shape, strict=True)
    )
    along = "position"
    metadata = {
        "microscope": {"name": "simulated", "high tension [kV]": 300.0},
        "sample": {"name": "drifting particles (synthetic)"},
        "user": {"name": "napari-emd-flatfield"},
    }
    return Scan(
        raw=Signal("raw", raw, (Axis(along, "nm", positions), y, x), "raw", metadata),
        flats=Signal(
            "flats",
            flats,
            (Axis(along, "nm", np.array([0, _LENGTH])), y, x),
            "flat",
            metadata,
        ),
        dark=Signal("dark", dark, (y, x), "dark", metadata),
        truth=truth,
        dead=dead,
    )


def non_uniformity(frames: np.ndarray, scan: Scan) -> float:
    """Measure how uneven the background is: its spread relative to its mean.

    Parameters
    ----------
    frames
        Shape (n, y, x): any version of the scan's frames.
    scan
        Tells background (nothing in the beam, pixel alive) from the rest.

    Returns
    -------
    float
        Standard deviation by mean over the background, averaged over frames.
    """
    background = (scan.truth == 1) & ~scan.dead
    spread = [
        values.std() / values.mean()
        for values in (
            frame[where].astype(float)
            for frame, where in zip(frames, background, strict=True)
        )
    ]
    return float(np.mean(spread))


def _illumination(
    shape: tuple[int, int], centre: tuple[float, float], strength: float
) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    distance2 = (y / shape[0] - centre[0]) ** 2 + (x / shape[1] - centre[1]) ** 2
    return np.asarray(strength * np.exp(-1.6 * distance2))


def _particles(
    positions: np.ndarray, shape: tuple[int, int], random: np.random.Generator
) -> np.ndarray:
    """Opaque discs with soft inner structure, moving left as the scan goes."""
    height, width = shape
    y, x = np.ogrid[:height, :width]
    count = 14
    centres = random.uniform((0, 0), (height, 2 * width), (count, 2))
    radii = random.uniform(0.03, 0.1, count) * height
    depths = random.uniform(0.15, 0.6, count)
    truth = np.ones((len(positions), height, width), np.float32)
    for frame, position in zip(truth, positions, strict=True):
        travelled = position / _LENGTH * width
        for (cy, cx), radius, depth in zip(centres, radii, depths, strict=True):
            r2 = ((y - cy) ** 2 + (x - cx + travelled) ** 2) / radius**2
            frame *= 1 - np.where(r2 < 1, depth * np.sqrt(np.clip(1 - r2, 0, 1)), 0)
    return truth
