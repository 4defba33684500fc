"""Floats rounded to fewer bits, which compress better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDING = "rounding"


def check_keepbits(keepbits: int | None) -> None:
    """Raise `WriteError` unless it is a number of bits to keep.

    Parameters
    ----------
    keepbits
        As given to `write`.
    """
    most = np.finfo(np.float64).nmant
    if keepbits is not None and keepbits not in range(1, most + 1):
        raise WriteError(
            f"keepbits={keepbits!r} is not a number of bits; use 1 to {most}, or "
            "None to keep all"
        )


def rounds(dtype: np.dtype[Any], keepbits: int | None) -> bool:
    """Tell whether rounding changes values of a type.

    Parameters
    ----------
    dtype
        Any; only real floats are rounded.
    keepbits
        Bits of the mantissa to keep; None for all.
    """
    return (
        keepbits is not None
        and dtype.kind == "f"
        and keepbits < np.finfo(dtype).nmant
        and dtype.itemsize <= 8
    )


def error_bound(keepbits: int) -> float:
    """Largest relative error of `rounded`, 2^-(keepbits + 1).

    Parameters
    ----------
    keepbits
        Bits of the mantissa that are kept.
    """
    return 2.0 ** -(keepbits + 1)


def recorded(metadata: Mapping[str, Any], keepbits: int) -> dict[str, Any]:
    """Add to the metadata of a signal what rounding does to it.

    Parameters
    ----------
    metadata
        Of a signal, unchanged; errors of an earlier rounding it tells of add up.
    keepbits
        Bits of the mantissa that are kept.
    """
    earlier = metadata.get(ROUNDING, {}).get("largest_relative_error", 0.0)
    return {
        **metadata,
        ROUNDING: {
            "mantissa_bits": keepbits,
            "largest_relative_error": earlier + error_bound(keepbits),
        },
    }


def rounded(values: np.ndarray, keepbits: int | None) -> np.ndarray:
    """Round floats to a number of mantissa bits, ties to even.

    Parameters
    ----------
    values
        Any array; what is not finite, or would not be once rounded, is kept.
    keepbits
        Bits of the mantissa to keep; None for all.

    Returns
    -------
    numpy.ndarray
        Of the same shape and dtype: `values` itself where there is nothing to do.

    Examples
    --------
    >>> rounded(np.array([1.0, 1.3, np.nan], "float32"), 2)
    array([1.  , 1.25,  nan], dtype=float32)
    """
    if keepbits is None or not rounds(values.dtype, keepbits):
        return values
    native = values.astype(values.dtype.newbyteorder("="), order="C")
    bits = native.view(f"u{native.itemsize}")
    one = bits.dtype.type(1)
    dropped = bits.dtype.type(np.finfo(native.dtype).nmant - keepbits)
    # Adding just under half of the last bit kept, or just half where it is odd,
    # carries into it exactly when the value is nearer to the next one.
    odd = (bits >> dropped) & one
    bits += odd + ((one << (dropped - one)) - one)
    bits &= ~((one << dropped) - one)
    np.copyto(native, values, where=~(np.isfinite(values) & np.isfinite(native)))
    return native.astype(values.dtype, copy=False)
