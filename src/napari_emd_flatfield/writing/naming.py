"""Names of groups that every reader of EMD keeps apart."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import h5py

from .metadata import storable_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def group_names(names: Sequence[str]) -> list[str]:
    """Choose EMD group names that every reader keeps apart.

    Parameters
    ----------
    names
        Names of signals, in any script, possibly equal.

    Returns
    -------
    list of str
        Different names without slashes, none the beginning of another:
        rosettasciio would stack such groups into one signal.
    """
    cleaned = [storable_text(name).replace("/", "_").strip(". ") for name in names]
    chosen = [name or "signal" for name in cleaned]
    # A number may make a name like another, so again; what was numbered together
    # differs from then on.
    while clashing := {i for i in range(len(chosen)) if _clashes(chosen, i)}:
        chosen = [
            f"{i + 1}_{name}" if i in clashing else name
            for i, name in enumerate(chosen)
        ]
    return chosen


def free_names(names: Sequence[str], taken: Collection[str]) -> list[str]:
    """Number names, where they clash with what a group holds already.

    Parameters
    ----------
    names
        As `group_names` chose them.
    taken
        Names that are to stay what they are.

    Returns
    -------
    list of str
        E.g. ``["2_corrected_raw"]`` for a second ``"corrected_raw"``.
    """
    known = list(taken)
    for name in names:
        numbered = (f"{n}_{name}" for n in itertools.count(2))
        free = (
            candidate
            for candidate in itertools.chain([name], numbered)
            if not any(_alike(candidate, other) for other in known)
        )
        known.append(next(free))
    return known[len(taken) :]


def data_group(file: h5py.File) -> h5py.Group:
    """Find the group of a file that signals go to, or make it.

    Parameters
    ----------
    file
        Open to write. Usually it is ``/data``; where that is something else, or
        lies in another file, it is ``/2_data``.
    """
    names = itertools.chain(["data"], (f"{n}_data" for n in itertools.count(2)))
    while True:
        name = next(names)
        link = file.get(name, getlink=True)
        if link is None:
            return file.create_group(name)
        if isinstance(link, h5py.HardLink) and isinstance(file[name], h5py.Group):
            return file[name]


def new_names(group: h5py.Group, names: Sequence[str], overwrite: bool) -> list[str]:
    """Choose what groups of signals are called, and make room for them.

    Parameters
    ----------
    group
        Where they are to be made.
    names
        As `group_names` chose them.
    overwrite
        Remove what has one of these names, rather than number the new one.
    """
    for name in names:
        if overwrite and name in group:
            del group[name]
    return free_names(names, list(group))


def _clashes(names: list[str], index: int) -> bool:
    name, others = names[index], names[:index] + names[index + 1 :]
    return any(_alike(name, other) for other in others)


def _alike(name: str, other: str) -> bool:
    return name.startswith(other) or other.startswith(name)
