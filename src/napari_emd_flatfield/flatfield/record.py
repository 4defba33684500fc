"""A correction in plain values and in words: what a saved file says of it."""

from __future__ import annotations

import base64
import platform
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FlatFieldError
from ..provenance import software
from .settings import FORMULAS, Output, Pixels, Reduction, Scaling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .flatfield import FlatField
    from .plan import Arrangement

# So many positions are told one by one.
_MOST_PLACES = 8


def to_values(ff: FlatField) -> dict[str, Any]:
    """Say how a flat-field corrects, in plain values.

    Parameters
    ----------
    ff
        The flat-field.

    Returns
    -------
    dict
        Texts, numbers, lists and dicts of them; nothing of it is lost in an HDF5
        file or in JSON. What was left out is left out.
    """
    plan = ff._correction.plan
    scale, offset = ff._correction.finish.scale
    values = {
        "formula": FORMULAS[ff.mode],
        "mode": ff.mode,
        "flats": _origins(plan.flats),
        "dark": _origins(plan.darks),
        "interpolation": ff.interpolation,
        "positions": _positions(plan.flats),
        "dark_positions": _positions(plan.darks),
        "position_units": plan.axis.units if plan.axis else "",
        "position_axis": ff.along or "",
        "outside_the_flats": "nearest",
        "orient": ff.orient,
        "dead_pixels_set_to": str(ff.fill),
        "dtype": str(ff.dtype),
        "reduction": _plain(asdict(ff.reduction)),
        "scaling": _plain(asdict(ff.scaling)),
        "pixels": _plain(
            {
                "threshold": ff.pixels.threshold,
                "mask": _pack(ff.pixels.bad(plan.frame_shape)),
                "zinger": ff.pixels.zinger,
                "saturation": ff.pixels.saturation,
            }
        ),
        "output": {**_plain(asdict(ff.output)), "scale": scale, "offset": offset},
        "software": software(),
        "versions": f"numpy {np.__version__}, python {platform.python_version()}",
    }
    given = {
        "given_positions": ff.positions,
        "given_dark_positions": ff.dark_positions,
    }
    return {**values, **_plain(given)}


def to_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn plain values into the settings of a flat-field again.

    Parameters
    ----------
    values
        As `to_values` gives them, also after a way through a file, where a list
        of one has become its element.

    Returns
    -------
    dict
        Keyword arguments of `FlatField`.

    Raises
    ------
    FlatFieldError
        If they are not such values.
    """
    try:
        pixels, fill = values["pixels"], values["dead_pixels_set_to"]
        output, reduction = values["output"], values["reduction"]
        scaling = values["scaling"]
        return {
            "mode": values["mode"],
            "interpolation": values["interpolation"],
            "positions": _numbers(values.get("given_positions")),
            "dark_positions": _numbers(values.get("given_dark_positions")),
            "along": values["position_axis"] or None,
            "orient": values["orient"],
            "fill": fill if fill == "median" else float(fill),
            "dtype": values["dtype"],
            "reduction": Reduction(
                reduction["method"],
                reduction.get("series"),
                _numbers(reduction["leave_out"]) or (),
                _numbers(reduction["leave_out_darks"]) or (),
                reduction.get("components"),
            ),
            "scaling": Scaling(
                _numbers(scaling.get("flat_monitor")),
                scaling["flat_factor"],
                scaling["dark_factor"],
                scaling.get("air"),
                bool(scaling["keep_counts"]),
            ),
            "pixels": Pixels(
                pixels["threshold"],
                _unpack(pixels.get("mask")),
                pixels.get("zinger"),
                pixels.get("saturation"),
            ),
            "output": Output(bool(output["log"]), output["floor"], output.get("clip")),
        }
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        if isinstance(error, FlatFieldError):
            raise
        raise FlatFieldError(
            f"these are not the settings of a flat-field: {error!r} is amiss; use what "
            "FlatField.to_dict() gives"
        ) from error


def origins(values: Mapping[str, Any], which: str) -> list[str]:
    """Where references came from, as ``path:dataset``.

    Parameters
    ----------
    values
        As `to_values` gives them.
    which
        ``"flats"`` or ``"dark"``.
    """
    given = values.get(which) or "none"
    if isinstance(given, str):
        return [] if given == "none" else [given]
    return list(given)


def sentence(values: Mapping[str, Any]) -> str:
    """Say how frames were corrected in one line, for the history of a file.

    Parameters
    ----------
    values
        As `to_values` gives them, and the origin of the raw frames.
    """
    where = _places(values)
    flats = ", ".join(origins(values, "flats")) or "none"
    dark = ", ".join(origins(values, "dark")) or "none"
    return (
        f"flat-field correction {values['formula']}, {values['interpolation']} "
        "interpolation"
        + (f" between flats at {where}" if where else "")
        + f"; raw: {values['raw']}; flats: {flats}; dark: {dark}; dead pixels set to "
        f"{values['dead_pixels_set_to']}; {values['software']}"
    )


def describe(ff: FlatField) -> str:
    """Say what a flat-field is made of, in a line.

    Parameters
    ----------
    ff
        The flat-field.
    """
    values = to_values(ff)
    where = _places(values)
    at = f" at {where}" if where else ""
    height, width = ff.frame_shape
    words = [
        f"{height}×{width}",
        values["formula"],
        f"flats: {', '.join(origins(values, 'flats')) or 'none'}{at}",
        f"dark: {', '.join(origins(values, 'dark')) or 'none'}",
        f"interpolation: {ff.interpolation}",
        f"dead pixels: {ff.fill}",
        str(ff.dtype),
    ]
    changed = (
        group
        for group, usual in (
            (ff.reduction, Reduction()),
            (ff.scaling, Scaling()),
            (ff.output, Output()),
        )
        if group != usual
    )
    return "; ".join([*words, *map(str, changed)])


def _places(values: Mapping[str, Any]) -> str:
    """Where flats lie; of many, the first ones and the last."""
    where = [f"{position:g}" for position in values["positions"]]
    if not where:
        return ""
    if len(where) > _MOST_PLACES:
        where[3:-1] = ["…"]
    return f"{', '.join(where)} {values['position_units']}".rstrip()


def _origins(arranged: Arrangement | None) -> str | list[str]:
    if arranged is None:
        return "none"
    names = list(arranged.images.origins)
    return names[0] if len(names) == 1 else names


def _positions(arranged: Arrangement | None) -> list[float]:
    return [] if arranged is None else arranged.positions.tolist()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Settings as they can be stored; those left out are left out."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
        if value is not None
    }


def _numbers(values: Any) -> list[Any] | None:
    return None if values is None else list(np.atleast_1d(values).tolist())


def _pack(mask: np.ndarray | None) -> str | None:
    """Write a mask as text: its size and its bits."""
    if mask is None:
        return None
    bits = base64.b85encode(zlib.compress(np.packbits(mask).tobytes(), 9))
    return f"{mask.shape[0]}×{mask.shape[1]}:{bits.decode()}"


def _unpack(text: str | None) -> np.ndarray | None:
    if text is None:
        return None
    size, _, bits = text.partition(":")
    height, width = map(int, size.split("×"))
    # A file must not be able to fill the memory.
    largest = (height * width + 7) // 8
    packed = zlib.decompressobj().decompress(base64.b85decode(bits), largest)
    if len(packed) < largest:
        raise ValueError(f"a mask of {size} pixels is cut short")
    mask = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    return np.asarray(mask.reshape(height, width) != 0)
