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
        Names of children the group needs for itself; a mapping of such a name
        has ``_`` appended.
    """
    for key, value in values.items():
        name = str(key).replace("\0", "").replace("/", "_") or "_"
        if isinstance(value, Mapping):
            while name in reserved:
                name += "_"
            write_metadata(group.require_group(name), value)
        else:
            _write_value(group, name, storable(value))


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
        return value.replace("\0", "")
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
    return str(value).replace("\0", "")


def _write_value(group: h5py.Group, name: str, value: Any) -> None:
    if name == "emd_group_type":
        return
    if isinstance(value, str):
        size = len(value.encode())
    else:
        size = getattr(value, "nbytes", 0)
    if size > _LARGEST_ATTRIBUTE:
        group.create_dataset(name, data=value)
    else:
        group.attrs[name] = value
