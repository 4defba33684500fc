"""Floats rounded to fewer bits, which compress better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import WriteError

ROUNDING, _ERROR = "rounding", "largest_relative_error"

# Pixels whose temporaries stay in a core's cache.
_BAND = 2**16


def check_keepbits(keepbits: int | None) -> None:
    """Raise `WriteError` unless it is a number of bits to keep.

    Parameters
    ----------
    keepbits
        As given to `write`.
    """
    most = np.finfo(np.float64).nmant
    is_number = isinstance(keepbits, int | np.integer)
    if keepbits is not None and not (is_number and 1 <= keepbits <= most):
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
    """Largest relative error of `round_off`, 2^-(keepbits + 1).

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
        Of a signal, unchanged; errors of an earlier rounding it tells of add up, and
        what else it has of that name is kept beside.
    keepbits
        Bits of the mantissa that are kept.
    """
    earlier = metadata.get(ROUNDING, {})
    if not isinstance(earlier, Mapping):
        earlier = {ROUNDING: earlier}
    error = earlier.get(_ERROR, 0.0)
    if not isinstance(error, int | float | np.number):
        earlier, error = {f"{_ERROR}_said": error, **earlier}, 0.0
    return {
        **metadata,
        ROUNDING: {
            **earlier,
            "mantissa_bits": keepbits,
            _ERROR: error + error_bound(keepbits),
        },
    }


def round_off(values: np.ndarray, keepbits: int | None) -> None:
    """Round floats to a number of mantissa bits, ties to even, in place.

    Parameters
    ----------
    values
        Any C-contiguous array; what is not a real float is kept, and so is what is
        not finite, or would not be once rounded, or is too small for a relative error
        to be bounded (denormal).
    keepbits
        Bits of the mantissa to keep; None for all.

    Examples
    --------
    >>> values = np.array([1.0, 1.3, np.nan], "float32")
    >>> round_off(values, 2)
    >>> values
    array([1.  , 1.25,  nan], dtype=float32)
    """
    if keepbits is None or not rounds(values.dtype, keepbits):
        return
    flat = values.reshape(-1)
    for start in range(0, flat.size, _BAND):
        band = flat[start : start + _BAND]
        band[...] = _rounded(band, keepbits)


def _rounded(values: np.ndarray, keepbits: int) -> np.ndarray:
    native = values.astype(values.dtype.newbyteorder("="))
    bits = native.view(f"u{native.itemsize}")
    one = bits.dtype.type(1)
    dropped = bits.dtype.type(np.finfo(native.dtype).nmant - keepbits)
    # Adding just under half of the last bit kept, or just half where it is odd,
    # carries into it exactly when the value is nearer to the next one.
    odd = (bits >> dropped) & one
    bits += odd + ((one << (dropped - one)) - one)
    bits &= ~((one << dropped) - one)
    # Of what is smaller than any normal number, some bits are gone already.
    kept = np.abs(values) < np.finfo(native.dtype).smallest_normal
    kept |= ~(np.isfinite(values) & np.isfinite(native))
    np.copyto(native, values, where=kept)
    return native
