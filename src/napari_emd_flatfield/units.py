"""Unit strings as found in EMD and HDF5 files, and what they mean.

EMD writes a unit in brackets, with ``_`` as the multiplication dot between a
prefix and its unit: ``[n_m]`` is nanometre, ``[1_/_n_m]`` its reciprocal.
Other writers use plain text, so both are understood. Parsing never raises:
whatever pint cannot make sense of is kept as it was read.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pint

PIXEL = "pixel"

# pint reads these as something else (a CSS pixel) or not at all.
_SPELLINGS = {
    "å": "angstrom",
    "ang": "angstrom",
    "ångström": "angstrom",
    "ångstrom": "angstrom",
    "px": PIXEL,
    "pix": PIXEL,
    "pixels": PIXEL,
    "deg.": "degree",
    "degrees": "degree",
    "micron": "micrometer",
    "microns": "micrometer",
    "sec": "second",
}
_UNIT = re.compile(r"[\w%°·*/^+\-.() ]+")
_ANGSTROM = re.compile(r"(?<![^\W\d])[AÅ](?![A-Za-z])")  # to pint A is ampere
_PIXEL = re.compile(r"(?<![^\W\d])(px|pix)(?![A-Za-z])")
_NEGATIVE_POWER = re.compile(r"(?<=[^\W\d])[-\u2212](?=\d)")
_POWER = re.compile(
    r"(?:\^|\*\*)\s*(\(\s*)?[-+]?\d{1,2}(\.\d+)?(/\d{1,2})?(?(1)\s*\))(?!\d)\s*"
)
_NUMBER = re.compile(r"(?<![\w.])[\d.]+")
_LONGEST = 200
_MISREAD = ("year", "pint", "point")  # from "a.u.", "pts" and "points"


@lru_cache(maxsize=1024)
def parse(text: str) -> pint.Unit | None:
    """Understand a unit string.

    Parameters
    ----------
    text
        A unit as written in a file, e.g. ``"[n_m]"``, ``"1/nm"``, ``"A^-1"``.

    Returns
    -------
    pint.Unit or None
        The unit in pint's application registry (the one napari uses);
        dimensionless for an empty string, None when it makes no sense.
    """
    registry = _registry()
    cleaned = re.sub(r"[\[\]_]", "", text).strip()
    cleaned = cleaned.replace("⁻¹", "^-1").replace("⁻²", "^-2")
    # U+212B (Angstrom sign) and U+03BC (Greek mu) have look-alikes pint prefers.
    cleaned = cleaned.replace("\u212b", "\u00c5").replace("\u03bc", "\u00b5")
    if not cleaned:
        return cast("pint.Unit", registry.dimensionless)
    if re.fullmatch("[A-ZÅ][a-zö]{4,}", cleaned):  # "Angstrom", not "Pa" or "Mbar"
        cleaned = cleaned.lower()
    cleaned = _SPELLINGS.get(cleaned.lower(), cleaned)
    cleaned = _NEGATIVE_POWER.sub("^-", cleaned)
    cleaned = _ANGSTROM.sub("angstrom", cleaned)
    cleaned = _PIXEL.sub(PIXEL, cleaned)
    # pint overlooks what it cannot read, as "?".
    if not _UNIT.fullmatch(cleaned) or _takes_long(cleaned):
        return None
    try:
        quantity = registry.parse_expression(cleaned)
    except Exception:  # noqa: BLE001 - pint raises anything from AssertionError up
        return None
    # "10 nm" is a quantity and no unit.
    if not isinstance(quantity, registry.Quantity) or quantity.magnitude != 1:
        return None
    if any(word in str(quantity.units) for word in _MISREAD):
        return None
    return cast("pint.Unit", quantity.units)


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """Write a unit the short common way, e.g. ``"nm"`` for ``"[n_m]"``.

    Parameters
    ----------
    text
        A unit as written in a file.

    Returns
    -------
    str
        ``"nm"``, ``"1/nm"``, ``"Å"``, ``"pixel"``, ``""``…; the string itself
        where it is not understood.
    """
    unit = parse(text)
    if unit is None:
        return text
    short = f"{unit:~C}"
    return short if parse(short) == unit else f"{unit:C}"  # "A" is no ampere


def to_emd(text: str) -> str:
    """Write a unit the way the EMD 0.2 specification does, e.g. ``"[n_m]"``.

    Parameters
    ----------
    text
        A unit in any spelling `parse` understands.

    Returns
    -------
    str
        ``"[n_m]"``, ``"[1_/_n_m]"``, ``"[px]"``, ``"[]"``…; an unknown unit
        unchanged.
    """
    unit = parse(text)
    if unit is None:
        return text
    if str(unit) == PIXEL:
        return "[px]"
    over: list[str] = []
    under: list[str] = []
    for name, power in unit._units.items():
        exponent = abs(float(power.real))
        term = _with_dot(name) + (f"^{exponent:g}" if exponent != 1 else "")
        (over if power.real > 0 else under).append(term)
    numerator = "*".join(over) or ("1" if under else "")
    written = "[" + "_/_".join([numerator, *under]) + "]"
    return written if parse(written) == unit else f"[{unit:C}]"


def _takes_long(text: str) -> bool:
    """Whether to work it out might never end: 9^9^9 has 369 million digits."""
    rest = _POWER.sub("#", text)
    numbers = (number.strip(".0") for number in _NUMBER.findall(rest))
    return (
        len(text) > _LONGEST
        or any(sign in rest for sign in ("^", "**", "##"))
        or any(number != "1" for number in numbers)
    )


def _registry() -> Any:
    # Takes half a second: not before there is a unit to understand. In a thread, as
    # some of what it imports keeps the frames of those who do, and so open files.
    if "pint" not in sys.modules:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(import_module, "pint").result()
    import pint

    return pint.get_application_registry()  # type: ignore[no-untyped-call]


def _with_dot(name: str) -> str:
    registry = _registry()
    symbol = str(registry.get_symbol(name))
    prefix, base, _ = registry.parse_unit_name(name)[0]
    unprefixed = registry.get_symbol(base)
    if not prefix or not symbol.endswith(unprefixed):
        return symbol
    return f"{symbol.removesuffix(unprefixed).replace('µ', 'u')}_{unprefixed}"
