"""The two values everything else passes round: `Axis` and `Signal`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Protocol,
    get_args,
)

import numpy as np

from . import units as _units
from .errors import SignalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pint

Role = Literal["raw", "flat", "dark"]

# Dim vectors are often float32: steps read from them scatter by more than
# rounding in float64 would allow, and by far less than a real change of step.
_STEP_TOLERANCE = 1e-3


class ArrayLike(Protocol):
    """What a signal's data must offer: napari asks for exactly this much."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def ndim(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...


_ARRAY = ("shape", "dtype", "ndim", "__getitem__")


@dataclass(frozen=True, eq=False)
class Axis:
    """One calibrated axis of a signal: what EMD calls a dim vector.

    Parameters
    ----------
    name
        E.g. ``"x"`` or ``"angle"``; empty when the file gives none.
    units
        The unit in any spelling; stored the short common way (``"nm"``), or
        unchanged where it is not understood.
    values
        Coordinates, one for each index, shape (n,), float64.

    Raises
    ------
    SignalError
        If `values` are not numbers, or not one-dimensional.
    """

    name: str
    units: str
    values: np.ndarray

    def __post_init__(self) -> None:
        try:
            values = np.array(self.values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise SignalError(
                f"axis {self.name!r} needs numbers for coordinates ({error})"
            ) from error
        if values.ndim != 1:
            raise SignalError(
                f"axis {self.name!r} needs one coordinate an index, shape (n,), "
                f"not an array of shape {values.shape}"
            )
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "name", _text(self.name))
        object.__setattr__(self, "units", _units.canonical(_text(self.units)))

    @classmethod
    def index(cls, size: int, name: str = "") -> Axis:
        """Make an uncalibrated axis: 0, 1, 2… in pixels.

        Parameters
        ----------
        size
            Number of indices.
        name
            Name of the axis.
        """
        return cls(name, _units.PIXEL, np.arange(size))

    @property
    def scale(self) -> float:
        """Step between coordinates (their mean where it varies); never zero."""
        if len(self) < 2:
            return 1.0
        return float(self.values[-1] - self.values[0]) / (len(self) - 1) or 1.0

    @property
    def offset(self) -> float:
        """Coordinate of index 0."""
        return float(self.values[0]) if len(self) else 0.0

    @cached_property
    def is_uniform(self) -> bool:
        """Whether one step fits the whole vector (to 0.1 %)."""
        steps = np.diff(self.values)
        tolerance = _STEP_TOLERANCE * abs(self.scale)
        return bool(np.all(np.abs(steps - self.scale) <= tolerance))

    @cached_property
    def is_index(self) -> bool:
        """Whether this only counts frames, so says nothing of where they lie."""
        return self.units in ("", _units.PIXEL) and np.array_equal(
            self.values, np.arange(len(self))
        )

    @property
    def unit(self) -> pint.Unit | None:
        """`units` as a pint unit; None where pint does not know it."""
        return _units.parse(self.units)

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Axis):
            return NotImplemented
        return (self.name, self.units) == (other.name, other.units) and np.array_equal(
            self.values, other.values
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        span = ""
        if len(self):
            span = f", {self.values[0]:g} … {self.values[-1]:g}"
        return f"Axis({self.name!r}, {self.units!r}{span}, n={len(self)})"


@dataclass(frozen=True, eq=False)
class Signal:
    """One named n-D array with its axes, role, metadata and origin.

    Parameters
    ----------
    name
        What the signal is called in layer lists and files.
    data
        Array of shape (…, y, x), lazy or not; never copied.
    axes
        One `Axis` a dimension; pixels when left out.
    role
        What it is in a flat-field correction: ``"raw"``, ``"flat"`` or ``"dark"``.
    metadata
        Nested mapping of plain values: what the file says besides the data.
    path, dataset
        Where it was read from: file and HDF5 path.

    Raises
    ------
    SignalError
        If `data` is no array, `axes` and `data` do not have the same shape, or
        there is no such role.
    """

    name: str
    data: ArrayLike
    axes: tuple[Axis, ...] = ()
    role: Role = "raw"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None
    dataset: str | None = None

    def __post_init__(self) -> None:
        # Ten times as fast as isinstance, which counts where there are thousands.
        if not all(hasattr(self.data, name) for name in _ARRAY):
            raise SignalError(
                f"signal {self.name!r} needs an array, not {type(self.data).__name__}"
            )
        if self.role not in get_args(Role):
            raise SignalError(
                f"signal {self.name!r} cannot be {self.role!r}; its role is one of "
                + ", ".join(map(repr, get_args(Role)))
            )
        shape = tuple(self.data.shape)
        axes = tuple(self.axes) or tuple(Axis.index(n) for n in shape)
        described = tuple(len(axis) for axis in axes)
        if described != shape:
            raise SignalError(
                f"signal {self.name!r} has shape {shape}, its axes describe {described}"
            )
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array, frames last."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one pixel."""
        return np.dtype(self.data.dtype)

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Height and width of one frame, in pixels."""
        return self.shape[-2:]

    @property
    def origin(self) -> str:
        """Where the signal comes from, for messages and provenance."""
        if self.path is None:
            return f"{self.name} (in memory)"
        return f"{self.path}:{self.dataset}"

    def refreshed(self) -> Signal:
        """Look this signal up again in its file, which may have grown since.

        Returns
        -------
        Signal
            With the frames and coordinates there are now. This one stays as it is.

        Raises
        ------
        FileNotFoundError
            If the file is gone.
        FileOpenError
            If it cannot be opened now.
        NoSignalError
            If the image is no longer in it.
        ReadError
            If the signal was not read from a file, or the file cannot be read now.
        """
        # What a signal is does not depend on files; where it comes from does.
        from .formats.refreshing import refreshed

        return refreshed(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Signal:
        # napari copies a layer's metadata with the layer: not the data in it, too.
        return self

    def __getstate__(self) -> dict[str, Any]:
        # A MappingProxyType cannot be pickled.
        return {**self.__dict__, "metadata": dict(self.metadata)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, metadata=MappingProxyType(state["metadata"]))

    def __repr__(self) -> str:
        axes = ", ".join(axis.name or "?" for axis in self.axes)
        return (
            f"Signal({self.name!r}, {self.role}, shape={self.shape}, "
            f"dtype={self.dtype}, axes=({axes}))"
        )


def _text(value: Any) -> str:
    """What a script found for a name or unit, e.g. as an attribute, as text."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)
