"""All there is in a file, object by object: what ``info`` prints."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py

from .. import units
from .attributes import attribute_names, text
from .entries import damage_named, entries, names, root
from .skipping import skipping
from .tree import identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..lazy.files import SharedFile
    from ..signal import Role, Signal
    from .entries import Entry


@dataclass(frozen=True)
class Item:
    """One name in a file, with what the file and the reader say of it.

    Parameters
    ----------
    entry
        What it leads to.
    units
        Units of a dataset, as `Axis` has them; empty where it has none.
    roles
        What the images in it are in a flat-field correction.
    attributes
        Names of its attributes.
    """

    entry: Entry
    units: str
    roles: tuple[Role, ...]
    attributes: tuple[str, ...]


def contents(file: SharedFile, signals: Sequence[Signal]) -> Iterator[Item]:
    """Go through a file name by name, parents first.

    Parameters
    ----------
    file
        The file.
    signals
        What `read` found in it.

    Yields
    ------
    Item
        One a name. What is in a group comes once, under the first name that is
        no soft link; damaged groups are named in a warning.
    """
    roles: dict[str, dict[Role, None]] = defaultdict(dict)
    for signal in signals:
        roles[signal.dataset or "/"][signal.role] = None
    # A file that is closed and opened again has a new identity, and no end.
    seen: dict[Any, h5py.Group] = {}
    pending = [root(file)]
    while pending:
        entry = pending.pop()
        yield _item(file, entry, roles)
        if not entry.count or entry.link == "soft":
            continue
        with skipping(file, entry.path):
            group = file.node(entry.path)
            if seen.setdefault(identity(group), group) is group:
                inside = entries(file, entry.path, names(file, entry.path))
                pending.extend(reversed(inside))


def _item(
    file: SharedFile, entry: Entry, roles: Mapping[str, Mapping[Role, None]]
) -> Item:
    if entry.kind in ("missing", "datatype"):
        return Item(entry, "", (), ())
    with damage_named(file, entry.path):
        node = file.node(entry.path)
        unit = text(node, "units", "unit") if isinstance(node, h5py.Dataset) else ""
        attributes = tuple(attribute_names(node))
    found = roles.get(entry.path, ())
    return Item(entry, units.canonical(unit) if unit else "", (*found,), attributes)
