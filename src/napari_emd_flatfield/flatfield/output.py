"""From the quotient to what is kept of it: -ln, clipped, in another dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FlatFieldError

if TYPE_CHECKING:
    from .settings import Output

# More bits than float32 can tell apart would promise digits that are not there.
_WIDEST_INTEGER = 2


@dataclass(frozen=True)
class Finish:
    """The last step of a correction.

    Parameters
    ----------
    output
        What the user asked for.
    dtype
        Type of the result.

    Raises
    ------
    FlatFieldError
        If the dtype cannot hold the result.
    """

    output: Output
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        dtype, clip = self.dtype, self.output.clip
        if dtype.kind == "f":
            largest = float(np.finfo(dtype).max)
            if clip is not None and any(largest < abs(c) < np.inf for c in clip):
                raise FlatFieldError(f"{dtype} ends at {largest}; clip={clip} does not")
            return
        if dtype.kind not in "iu" or dtype.itemsize > _WIDEST_INTEGER:
            raise FlatFieldError(
                f"dtype {dtype} is not for results; use float32, float64, float16, or "
                "an integer of 8 or 16 bits"
            )
        if clip is None or not np.all(np.isfinite(clip)):
            raise FlatFieldError(
                f"dtype {dtype} cannot hold fractions without a range to scale; say "
                "which, e.g. output=Output(clip=(0, 2)), or use a float"
            )

    @property
    def is_plain(self) -> bool:
        """Whether the quotient itself is the result."""
        return not self.output.log and self.output.clip is None

    @property
    def limit(self) -> float:
        """Largest magnitude the quotient may have."""
        # What is yet to be clipped or scaled may be larger than the result.
        direct = self.is_plain or self.dtype.itemsize > 4
        return float(np.finfo(self.dtype if direct else np.float32).max)

    @property
    def scale(self) -> tuple[float, float]:
        """Factor and offset that turn stored integers into values again."""
        if self.dtype.kind == "f" or self.output.clip is None:
            return 1.0, 0.0
        low, high = self.output.clip
        return (high - low) / np.iinfo(self.dtype).max, low

    def __call__(self, values: np.ndarray, out: np.ndarray) -> None:
        """Bring values into the form of the result.

        Parameters
        ----------
        values
            Quotients; used as scratch.
        out
            Where the result goes; may be `values`.
        """
        if self.output.log:
            np.maximum(values, self.output.floor, out=values)
            np.log(values, out=values)
            np.negative(values, out=values)
        if self.output.clip is not None:
            np.clip(values, *self.output.clip, out=values)
        if self.dtype.kind == "f":
            if out is not values:
                np.copyto(out, values, casting="same_kind")
            return
        factor, offset = self.scale
        values -= offset
        values /= factor
        # A pixel without a good neighbour to take after has no value.
        np.nan_to_num(values, copy=False, nan=0.0)
        np.rint(values, out=values)
        np.copyto(out, values, casting="unsafe")
