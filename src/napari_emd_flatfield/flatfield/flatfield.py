"""`FlatField`: references and settings as one immutable value."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from . import applying
from .consistency import check, check_regions
from .correction import Correction
from .output import Finish
from .plan import make_plan
from .record import describe
from .report import Report, make_report
from .restoring import Storable
from .settings import Output, Pixels, Reduction, Scaling, as_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..signal import ArrayLike, Signal
    from .correction import Fill
    from .interpolation import Interpolation
    from .orientation import Orientation
    from .settings import Mode
    from .sources import Sources


@dataclass(frozen=True, eq=False, repr=False)
class FlatField(Storable):
    """A flat-field correction, ``(raw - dark) / (flat - dark)``.

    Parameters
    ----------
    flats
        Images of the illumination alone: a Signal or array of shape (y, x) or
        (n, y, x), or a list of such, e.g. of those before, during and after the
        scan. They are read when first needed, and must not change before. The
        gain of each pixel for ``mode="gain"``; None for ``"background"``.
    dark
        Images without illumination, likewise; zero when left out. Several are
        averaged, or interpolated like the flats if they have positions.
    positions
        Where along the scan each flat was recorded, or each of a list of series;
        in the units of the raw frames' positions. Taken from the leading axis of
        `flats` when left out.
    dark_positions
        Likewise for `dark`.
    interpolation
        ``"linear"`` between neighbouring flats, the ``"nearest"`` flat, or one
        flat for all frames: the ``"mean"``, ``"median"`` or ``"first"``. Outside
        the flats the nearest one holds.
    mode
        ``"flat"`` divides by flat - dark, ``"gain"`` multiplies with the flats
        (raw × gain, for detectors that count), ``"background"`` only subtracts
        the dark.
    along
        Name of the raw frames' axis that says where along the scan they lie; the
        leading one when left out.
    orient
        How the references have to be turned to fit the raw frames.
    fill
        Value of dead pixels, those where flat - dark is not positive or the
        result is not finite: a number in units of the open beam (NaN, 0, 1), or
        ``"median"``, that of the nearest good neighbours.
    dtype
        Type of the result: a float, or an integer of 8 or 16 bits, to which
        `output` then gives the range.
    reduction, scaling, pixels, output
        How repeated references are reduced, what frames and references are
        multiplied with, which pixels cannot be believed, and what becomes of the
        quotient.

    Raises
    ------
    FlatFieldError
        If references do not fit each other, lack positions, or settings
        contradict each other or are not known.

    Examples
    --------
    >>> flats = np.full((2, 4, 4), [[[100]], [[200]]])
    >>> ff = FlatField(flats, positions=[0, 500])
    >>> ff(np.full((4, 4), 75), at=250)[0, 0]
    np.float32(0.5)
    """

    flats: Sources | None
    dark: Sources | None = None
    _: KW_ONLY
    positions: Sequence[float] | None = None
    dark_positions: Sequence[float] | None = None
    interpolation: Interpolation = "linear"
    mode: Mode = "flat"
    along: str | None = None
    orient: Orientation = "none"
    fill: Fill = float("nan")
    dtype: Any = "float32"
    reduction: Reduction = field(default_factory=Reduction)
    scaling: Scaling = field(default_factory=Scaling)
    pixels: Pixels = field(default_factory=Pixels)
    output: Output = field(default_factory=Output)
    _correction: Correction = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check(self)
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        for name in ("positions", "dark_positions"):
            given = getattr(self, name)
            if given is not None:
                numbers = np.atleast_1d(as_numbers(given, name)).tolist()
                object.__setattr__(self, name, tuple(numbers))
        plan = make_plan(
            self.flats,
            self.dark,
            positions=self.positions,
            dark_positions=self.dark_positions,
            interpolation=self.interpolation,
            orient=self.orient,
            reduction=self.reduction,
            flat_monitor=self.scaling.flat_monitor,
        )
        check_regions(self.scaling.air, self.pixels, plan.frame_shape)
        correction = Correction(
            plan,
            self.mode,
            self.interpolation,
            self.orient,
            self.fill,
            self.reduction,
            self.scaling,
            self.pixels,
            Finish(self.output, self.dtype),
        )
        object.__setattr__(self, "_correction", correction)

    @property
    def flat_positions(self) -> tuple[float, ...]:
        """Where the flats lie, ascending; empty when one serves everywhere."""
        flats = self._correction.plan.flats
        return () if flats is None else tuple(flats.positions.tolist())

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Height and width of the frames it corrects, in pixels."""
        return self._correction.plan.frame_shape

    def __call__(
        self,
        frames: ArrayLike,
        at: float | Sequence[float] | None = None,
        *,
        monitor: float | Sequence[float] | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Correct one frame, or a stack of them, at once.

        Parameters
        ----------
        frames
            Shape (y, x) or (n, y, x).
        at
            Where along the scan each lies, in the units of the flats' positions;
            a number or n of them.
        monitor
            Beam current or the like of each, if the flats have theirs.
        out
            Where the result goes, of the shape of `frames` and type `dtype`; a
            new array when left out.

        Returns
        -------
        numpy.ndarray
            Of the shape of `frames` and type `dtype`.

        Raises
        ------
        FlatFieldError
            If the shape does not fit, or a position or monitor is needed and
            missing.
        """
        return applying.correct_array(self, frames, at, monitor, out)

    def correct(
        self,
        signal: Signal,
        *,
        monitor: Sequence[float] | Signal | ArrayLike | None = None,
    ) -> Signal:
        """Correct a signal lazily: nothing is computed until it is read.

        Parameters
        ----------
        signal
            Raw frames, shape (…, y, x). The coordinates of the leading axis, or
            of the one called `along`, say where along the scan they lie.
        monitor
            Beam current or the like of each frame, if the flats have theirs: one
            a position, or of the shape of the leading axes.

        Returns
        -------
        Signal
            ``corrected_<name>``, with the axes of `signal` and its metadata, to
            which the correction is added.

        Raises
        ------
        FlatFieldError
            If the frames do not fit the references, or have no position or
            monitor where they need one.
        """
        return applying.correct_signal(self, signal, monitor)

    def report(
        self,
        signal: Signal,
        *,
        monitor: Sequence[float] | Signal | ArrayLike | None = None,
        frames: int = 16,
    ) -> Report:
        """Look at some frames, to see whether the correction can be trusted.

        Parameters
        ----------
        signal, monitor
            As for `correct`.
        frames
            How many to look at, spread evenly; `signal.shape[0]` for all.

        Returns
        -------
        Report
            Dead, saturated and negative pixels, drift between the flats, how much
            of their pattern is left; printed, a line each.
        """
        return make_report(signal, self.correct(signal, monitor=monitor), frames)

    def _for_frames(self, positions: np.ndarray) -> Self:
        """The same for frames that lie there, as far as that is known.

        It tells whether references that follow each other are one series.
        """
        gap = self._correction.plan.gap(positions)
        if gap is None or self.reduction.series is not None:
            return self
        return self._by_gap[gap]

    @cached_property
    def _by_gap(self) -> dict[float, Self]:
        return {
            gap: replace(self, reduction=replace(self.reduction, series=gap))
            for gap in (0.0, 1.0)
        }

    def __repr__(self) -> str:
        return f"<FlatField {describe(self)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return _make, (given,)


def _make(given: dict[str, Any]) -> FlatField:
    return FlatField(**given)


def correct(
    raw: Signal,
    flats: Sources,
    dark: Sources | None = None,
    *,
    monitor: Sequence[float] | Signal | ArrayLike | None = None,
    **settings: Any,
) -> Signal:
    """Flat-field a signal lazily; short for ``FlatField(…).correct(raw)``.

    Parameters
    ----------
    raw
        Raw frames, shape (…, y, x).
    flats, dark, **settings
        As for `FlatField`.
    monitor
        As for `FlatField.correct`.

    Returns
    -------
    Signal
        ``corrected_<name>``; each frame is computed when it is read.
    """
    return FlatField(flats, dark, **settings).correct(raw, monitor=monitor)
