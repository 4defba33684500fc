"""`FlatField`: references and settings as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FlatFieldError
from ..lazy import adapt
from ..provenance import COMMENTS, software, with_comment
from . import interpolation as _interpolation
from .corrected import CorrectedArray
from .interpolation import Interpolation, mix_at
from .kernel import correct_frame
from .references import References, describe, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..signal import ArrayLike, Axis, Signal

FORMULA = "(raw - dark) / (flat - dark)"


@dataclass(frozen=True, eq=False)
class FlatField:
    """A flat-field correction, ``(raw - dark) / (flat - dark)``.

    Parameters
    ----------
    flats
        Images of the illumination alone: a Signal or array of shape (y, x) or
        (n, y, x). They are read at once and kept.
    dark
        Image without illumination, shape (y, x), or several of shape (n, y, x)
        to average; zero when left out.
    positions
        Where along the scan each flat was recorded, in the units of the raw
        frames' leading axis. Taken from the leading axis of `flats` when left
        out.
    interpolation
        ``"linear"`` between neighbouring flats, the ``"nearest"`` flat, or one
        flat for all frames: the ``"mean"``, ``"median"`` or ``"first"``. Outside
        the flats the nearest one holds. Flats at one position are averaged.
    fill
        Value of dead pixels: those where flat - dark is not positive, or the
        result is not finite.
    dtype
        Type of the result, a float.

    Raises
    ------
    FlatFieldError
        If references do not fit each other, lack positions, or a setting is
        not known.

    Examples
    --------
    >>> flats = np.full((2, 4, 4), [[[100]], [[200]]])
    >>> ff = FlatField(flats, positions=[0, 500])
    >>> ff(np.full((4, 4), 75), at=250)[0, 0]
    np.float32(0.5)
    """

    flats: Signal | ArrayLike
    dark: Signal | ArrayLike | None = None
    positions: Sequence[float] | None = field(default=None, kw_only=True)
    interpolation: Interpolation = field(default="linear", kw_only=True)
    fill: float = field(default=float("nan"), kw_only=True)
    dtype: Any = field(default="float32", kw_only=True)
    _references: References = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _interpolation.check(self.interpolation)
        dtype = np.dtype(self.dtype)
        if dtype.kind != "f":
            raise FlatFieldError(f"dtype {dtype} cannot hold fractions; use a float")
        references = load(self.flats, self.dark, self.positions, self.interpolation)
        object.__setattr__(self, "dtype", dtype)
        object.__setattr__(self, "_references", references)

    @property
    def flat_positions(self) -> tuple[float, ...]:
        """Where the flats lie, ascending; empty when one serves everywhere."""
        return tuple(self._references.positions.tolist())

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Height and width of the frames it corrects, in pixels."""
        return self._references.frame_shape

    def __call__(self, frame: ArrayLike, at: float | None = None) -> np.ndarray:
        """Correct one frame.

        Parameters
        ----------
        frame
            Shape (y, x).
        at
            Its position along the scan, in the units of the flats' positions.

        Returns
        -------
        numpy.ndarray
            Shape (y, x), of type `dtype`.

        Raises
        ------
        FlatFieldError
            If the shape does not fit, or a position is needed and missing.
        """
        raw = np.asarray(frame)
        if raw.shape != self.frame_shape:
            raise self._misfit("the frame", raw.shape)
        if at is None:
            self._needs_position("the frame")
        out = np.empty(raw.shape, self.dtype)
        self._apply(raw, out, at, (slice(None), slice(None)))
        return out

    def correct(self, signal: Signal) -> Signal:
        """Correct a signal lazily: nothing is computed until it is read.

        Parameters
        ----------
        signal
            Raw frames, shape (…, y, x). The coordinates of the leading axis say
            where along the scan they lie.

        Returns
        -------
        Signal
            ``corrected_<name>``, with the axes of `signal` and its metadata, to
            which the correction is added.

        Raises
        ------
        FlatFieldError
            If the frames do not fit the references, or have no position.
        """
        if len(signal.shape) < 2 or signal.frame_shape != self.frame_shape:
            raise self._misfit(f"raw ({signal.origin})", signal.frame_shape)
        if signal.dtype.kind not in "biuf":
            raise FlatFieldError(
                f"raw ({signal.origin}) is of type {signal.dtype}, not a real number"
            )
        if len(signal.shape) == 2:
            self._needs_position(f"raw ({signal.origin})")
        leading = signal.axes[0]
        data = CorrectedArray(
            adapt(signal.data), self, leading.values * self._factor(leading)
        )
        return replace(
            signal,
            name=f"corrected_{signal.name}",
            data=data,
            role="raw",
            metadata=self._documented(signal),
            path=None,
            dataset=None,
        )

    def _apply(
        self,
        raw: np.ndarray,
        out: np.ndarray,
        at: float | None,
        roi: tuple[slice, ...],
    ) -> int:
        references = self._references
        mix = mix_at(at or 0.0, references.positions, self.interpolation)
        return correct_frame(
            raw,
            out,
            references.flats[mix.before][roi],
            references.flats[mix.after][roi],
            mix.weight,
            None if references.dark is None else references.dark[roi],
            self.fill,
        )

    def _needs_position(self, what: str) -> None:
        if len(self._references.positions) > 1:
            raise FlatFieldError(
                f"{what} has no position along the scan to interpolate the flats "
                "at; say where (at=…), or use interpolation='mean'"
            )

    def _factor(self, leading: Axis) -> float:
        """Convert positions of raw frames into the units of the flats'."""
        axis = self._references.axis
        if axis is None or not axis.units or not leading.units:
            return 1.0
        if axis.units == leading.units:
            return 1.0
        ours, theirs = axis.unit, leading.unit
        if ours is None or theirs is None or not ours.is_compatible_with(theirs):
            raise FlatFieldError(
                f"flats ({describe(self.flats)}) lie along {axis.units!r}, raw frames "
                f"along {leading.units!r}; give positions=[…] in {leading.units!r}"
            )
        return float((1 * theirs).to(ours).magnitude)

    def _misfit(self, what: str, shape: tuple[int, ...]) -> FlatFieldError:
        return FlatFieldError(
            f"{what} has frames of {'×'.join(map(str, shape))} pixels, flats "
            f"({describe(self.flats)}) of {'×'.join(map(str, self.frame_shape))}; "
            "all must show the same detector area"
        )

    def _documented(self, raw: Signal) -> dict[str, Any]:
        axis = self._references.axis
        units = axis.units if axis else raw.axes[0].units
        settings = {
            "formula": FORMULA,
            "raw": raw.origin,
            "flats": describe(self.flats),
            "dark": describe(self.dark),
            "interpolation": self.interpolation,
            "positions": list(self.flat_positions),
            "position_units": units if self.flat_positions else "",
            "dead_pixels_set_to": str(self.fill),
            "dtype": str(self.dtype),
            "software": software(),
        }
        where = ", ".join(f"{p:g}" for p in self.flat_positions)
        done = (
            f"flat-field correction {FORMULA}, {self.interpolation} interpolation"
            + (f" between flats at {where} {units}".rstrip() if where else "")
            + f"; raw: {raw.origin}; flats: {describe(self.flats)}; "
            f"dark: {describe(self.dark)}; dead pixels set to {self.fill}; "
            f"{software()}"
        )
        comments = raw.metadata.get(COMMENTS) or {}
        return {
            **raw.metadata,
            "flatfield": settings,
            COMMENTS: with_comment(comments, done),
        }


def correct(
    raw: Signal,
    flats: Signal | ArrayLike,
    dark: Signal | ArrayLike | None = None,
    **settings: Any,
) -> Signal:
    """Flat-field a signal lazily; short for ``FlatField(…).correct(raw)``.

    Parameters
    ----------
    raw
        Raw frames, shape (…, y, x).
    flats, dark, **settings
        As for `FlatField`.

    Returns
    -------
    Signal
        ``corrected_<name>``; each frame is computed when it is read.
    """
    return FlatField(flats, dark, **settings).correct(raw)
