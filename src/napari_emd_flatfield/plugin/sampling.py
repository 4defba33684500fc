"""Numbers behind the dock's plots and status line, from a few pixels each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from isal import isal_zlib

from ..flatfield.interpolation import BY_POSITION, mix_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..flatfield import FlatField
    from ..flatfield.report import Report
    from ..signal import ArrayLike, Signal

# So many frames and pixels a frame show the course of a scan well enough.
_FRAMES = 41
_SIDE = 192
_BINS = 96


@dataclass(frozen=True, eq=False)
class Profile:
    """Mean intensity along a scan.

    Parameters
    ----------
    label
        What is along the horizontal axis, with its units.
    positions
        Where the sampled frames lie, shape (n,).
    raw, corrected
        Their mean, before and after correction, shape (n,).
    interpolated
        Mean of the flat that each of them is divided by, shape (n,).
    flat_positions, flats
        Where the flats lie and their mean, shape (m,); none where nobody says.
    """

    label: str
    positions: np.ndarray
    raw: np.ndarray
    corrected: np.ndarray
    interpolated: np.ndarray
    flat_positions: np.ndarray
    flats: np.ndarray


def sample_profile(
    raw: Signal,
    flats: Sequence[Signal],
    flat_positions: Sequence[float],
    interpolation: str,
    corrected: Signal,
) -> Profile:
    """Measure mean intensities along a scan.

    Parameters
    ----------
    raw, corrected
        The scan before and after correction, shape (…, y, x).
    flats
        Its flats, shape (y, x) or (n, y, x).
    flat_positions
        Where they lie; empty where the file does not say and nothing needs it.
    interpolation
        How the flat of a frame follows from them.

    Returns
    -------
    Profile
        Of at most 41 frames, of each of which a grid of pixels is averaged.
    """
    axis = raw.axes[0]
    if len(raw.shape) == 2:
        chosen, positions = [0], np.zeros(1)
    else:
        wanted = np.linspace(0, len(axis) - 1, _FRAMES)
        chosen = np.unique(np.rint(wanted)).astype(int).tolist()
        positions = axis.values[chosen]
    means = np.concatenate([_means(flat.data, range(len3(flat))) for flat in flats])
    where = np.asarray(flat_positions, dtype=float)
    is_known = len(where) == len(means)
    if is_known and interpolation in BY_POSITION:
        interpolated = _interpolated(positions, where, means, interpolation)
    else:
        level = means[0] if interpolation == "first" else np.mean(means)
        interpolated = np.full(len(positions), level)
    return Profile(
        label=f"{axis.name or 'frame'} ({axis.units})" if axis.units else axis.name,
        positions=positions,
        raw=_means(raw.data, chosen),
        corrected=_means(corrected.data, chosen),
        interpolated=interpolated,
        flat_positions=where if is_known else np.empty(0),
        flats=means if is_known else np.empty(0),
    )


def sample_histogram(frame: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Count the values of a frame.

    Parameters
    ----------
    frame
        Shape (y, x).

    Returns
    -------
    counts, edges : numpy.ndarray
        Shapes (n,) and (n + 1,); dead pixels and the outermost 0.1 % left out.
    """
    values = np.asarray(frame, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return np.zeros(1), np.array([0.0, 1.0])
    low, high = np.percentile(values, (0.1, 99.9))
    if low == high:
        high = low + 1
    return np.histogram(values, bins=_BINS, range=(low, high))


def len3(signal: Signal) -> int:
    """Number of images in a signal of shape (y, x) or (n, y, x).

    Parameters
    ----------
    signal
        References.
    """
    return signal.shape[0] if len(signal.shape) > 2 else 1


def _interpolated(
    positions: np.ndarray, where: np.ndarray, means: np.ndarray, interpolation: str
) -> np.ndarray:
    places = np.unique(where)
    levels = np.array([means[where == place].mean() for place in places])
    mixes = (mix_at(position, places, interpolation) for position in positions)
    return np.array(
        [levels[m.near] * (1 - m.weight) + levels[m.far] * m.weight for m in mixes]
    )


def _means(data: ArrayLike, chosen: Sequence[int]) -> np.ndarray:
    rows, columns = (slice(None, None, max(1, n // _SIDE)) for n in data.shape[-2:])
    means = []
    for index in chosen:
        leading = (index,) + (0,) * (data.ndim - 3) if data.ndim > 2 else ()
        pixels = np.asarray(data[(*leading, rows, columns)], dtype=float)
        good = pixels[np.isfinite(pixels)]
        means.append(good.mean() if good.size else np.nan)
    return np.array(means)


def describe(flatfield: FlatField, corrected: Signal, report: Report) -> str:
    """Say what a correction rests on, in a line.

    Parameters
    ----------
    flatfield
        The correction.
    corrected
        What it makes of the raw signal.
    report
        Its quality, as the flat-field reports it.

    Returns
    -------
    str
        Frame shape, flats and their positions, dead pixels, size when saved.
    """
    height, width = corrected.frame_shape
    middle = np.asarray(corrected.data[tuple(n // 2 for n in corrected.shape[:-2])])
    size = _saved_size(middle) * math.prod(corrected.shape) / middle.size
    dead = report.counts[0].dead
    said = [
        f"{height}×{width} pixels",
        _flats(flatfield.flat_positions, corrected.axes[0].units),
        f"{dead} dead pixels ({dead / middle.size:.2%})",
        f"about {_readable(size)} to save",
    ]
    if report.outside:
        said.insert(2, f"{report.outside} frames outside them, the nearest flat holds")
    return "; ".join(said)


def _flats(positions: Sequence[float], units: str) -> str:
    if not positions:
        return "one flat for all frames"
    listed = ", ".join(f"{position:g}" for position in positions[:4])
    more = ", …" if len(positions) > 4 else ""
    plural = "s" if len(positions) > 1 else ""
    return f"{len(positions)} flat{plural} at {listed}{more} {units}".rstrip()


def _saved_size(frame: np.ndarray) -> int:
    """Bytes a frame takes in a file, shuffled and deflated."""
    stored = np.ascontiguousarray(frame).view(np.uint8).reshape(-1, frame.itemsize)
    return len(isal_zlib.compress(np.ascontiguousarray(stored.T), level=1))


def _readable(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
