"""A flat-field at work: references read, and what each frame needs of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from .frames import Treatment, correct_frames
from .interpolation import mix_at
from .kernel import Blend, Mixture, Recipe, parts
from .output import Finish
from .references import load
from .settings import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpolation import Interpolation
    from .orientation import Orientation
    from .plan import Plan
    from .references import References
    from .settings import Mode, Pixels, Reduction, Scaling

    # Reads a region of one raw frame, shape (rows, columns).
    ReadRegion = Callable[[tuple[slice, slice]], np.ndarray]

Fill = float | Literal["median"]


@dataclass(frozen=True, eq=False)
class Correction:
    """The settings of a `FlatField` with its references, which it reads once.

    Parameters
    ----------
    plan
        Which the references are.
    mode, interpolation, orient, fill, reduction, scaling, pixels
        As given to `FlatField`.
    finish
        What becomes of the quotient.
    """

    plan: Plan
    mode: Mode
    interpolation: Interpolation
    orient: Orientation
    fill: Fill
    reduction: Reduction
    scaling: Scaling
    pixels: Pixels
    finish: Finish
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _loaded: list[References] = field(init=False, default_factory=list)

    @property
    def references(self) -> References:
        """The references, read when first needed."""
        with self._lock:
            if not self._loaded:
                # A reference pixel that is not finite is dead, and counted as such.
                with np.errstate(invalid="ignore", over="ignore"):
                    self._loaded.append(self._load())
            return self._loaded[0]

    @property
    def fits_frames(self) -> bool:
        """Whether a frame's recipe depends on what it shows."""
        return self.interpolation == "dynamic" or self.scaling.air is not None

    def treatment(self) -> Treatment:
        """What is done to all frames alike."""
        fill = None
        if self.fill != "median":
            fill = float(self.fill) * self.references.level
        return Treatment(fill, self.pixels, self.mode == "gain", self.finish)

    def recipe(
        self, read: ReadRegion, at: float | None = None, monitor: float = 1.0
    ) -> Recipe:
        """Find what a frame has to be corrected with.

        Parameters
        ----------
        read
            Reads a region of the raw frame, where something depends on it.
        at
            Where it lies, in the units of the flats; None if it lies nowhere.
        monitor
            Its beam current, exposure or the like.
        """
        references = self.references
        gain: Mixture | Blend | None = None
        dark = None
        if references.eigen is not None:
            gain = Blend(references.eigen.images, self._weights(read, at))
        elif references.gains is not None:
            mix = mix_at(at or 0.0, references.positions, self.interpolation)
            gain = Mixture(references.gains, *mix)
        if references.darks is not None:
            mix = mix_at(at or 0.0, references.dark_positions, self.interpolation)
            dark = Mixture(references.darks, *mix)
        # A frame without beam has no value that could be told.
        scale = 1 / monitor if 0 < monitor < np.inf else np.nan
        recipe = Recipe(gain, dark, scale)
        if self.scaling.air is not None:
            recipe = recipe._replace(scale=scale / self._air(read, recipe))
        return recipe._replace(scale=recipe.scale * references.level)

    def _load(self) -> References:
        return load(
            self.plan,
            mode=self.mode,
            interpolation=self.interpolation,
            method=self.reduction.method,
            scaling=self.scaling,
            orient=self.orient,
            bad=self.pixels.bad(self.plan.frame_shape),
            threshold=self.pixels.threshold,
            components=self.reduction.components,
            wide=self.finish.dtype == np.float64,
        )

    def _weights(self, read: ReadRegion, at: float | None) -> np.ndarray:
        references = self.references
        assert references.eigen is not None
        height, width = self.plan.frame_shape
        frame = read((slice(0, height, 1), slice(0, width, 1))).astype(np.float64)
        if references.darks is not None:
            frame -= references.darks[0]
        return references.eigen.weights(frame, at)

    def _air(self, read: ReadRegion, recipe: Recipe) -> float:
        """Mean result where nothing is in the beam; NaN if it makes no sense."""
        assert self.scaling.air is not None
        top, bottom, left, right = self.scaling.air
        region = slice(top, bottom, 1), slice(left, right, 1)
        raw = read(region)[np.newaxis]
        out = np.empty(raw.shape)
        plain = Treatment(
            np.nan,
            replace(self.pixels, zinger=None),
            self.mode == "gain",
            Finish(Output(), out.dtype),
        )
        correct_frames(raw, out, parts([recipe], region), plain)
        good = np.isfinite(out)
        mean = float(np.mean(out, where=good)) if good.any() else np.nan
        return mean if mean > 0 else np.nan
