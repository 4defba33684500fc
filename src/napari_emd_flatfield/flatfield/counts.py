"""What was out of the ordinary in corrected frames."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """Numbers of pixels.

    Parameters
    ----------
    pixels
        All that were corrected.
    dead
        Of these, pixels whose gain is not above the threshold, or whose result
        is not a number or beyond the range of its dtype.
    saturated
        Raw counts at or above the saturation.
    negative
        Results below zero.
    zingers
        Pixels much brighter than their neighbours.
    """

    pixels: int = 0
    dead: int = 0
    saturated: int = 0
    negative: int = 0
    zingers: int = 0

    def plus(self, other: Counts) -> Counts:
        """Add those of other pixels.

        Parameters
        ----------
        other
            E.g. of another frame.
        """
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))
