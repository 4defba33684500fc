"""Plain Python values as HDF5 attributes and groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

# HDF5 keeps attributes in an object's header, which ends at 64 KiB.
_LARGEST_ATTRIBUTE = 32 * 1024


def write_metadata(
    group: h5py.Group, values: Mapping[str, Any], reserved: Iterable[str] = ()
) -> None:
    """Store a nested mapping: values as attributes, mappings as groups.

    Parameters
    ----------
    group
        Where to store it.
    values
        Strings, numbers, lists of them, mappings; anything else is stored as
        the text it prints.
    reserved
        Names of children the group needs for itself; what would be another of such
        a name has ``_`` appended.
    """
    taken = {*reserved, *group, "", "."}
    for key, value in values.items():
        name = storable_text(str(key)).replace("/", "_")
        child = name
        while child in taken:
            child += "_"
        stored = value if isinstance(value, Mapping) else storable(value)
        if isinstance(stored, Mapping):
            write_metadata(group.create_group(child), stored)
        elif _nbytes(stored) > _LARGEST_ATTRIBUTE:
            group.create_dataset(child, data=stored)
        elif name != "emd_group_type":
            group.attrs[name or "_"] = stored
            continue
        taken.add(child)


def storable(value: Any) -> Any:
    """Turn a value into one that h5py can store as an attribute.

    Parameters
    ----------
    value
        Anything.
    """
    if value is None:
        return h5py.Empty("f")
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, bool | int | float | complex | np.number | np.bool_):
        return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value
    if isinstance(value, list | tuple | np.ndarray):
        try:
            array = np.asarray(value)
        except ValueError:
            return str(value)
        if array.dtype.kind in "biufc":
            return array
        if array.dtype.kind == "U" and all(isinstance(item, str) for item in value):
            return np.array([storable(v) for v in value], h5py.string_dtype())
    return storable_text(str(value))


def storable_text(value: str) -> str:
    """Leave out what HDF5 cannot store of a text, or write it as Python would.

    Parameters
    ----------
    value
        Any text.
    """
    return value.replace("\0", "").encode("utf-8", "backslashreplace").decode()


def _nbytes(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    return int(getattr(value, "nbytes", 0))
