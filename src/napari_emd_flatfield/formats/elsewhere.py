"""Objects of other files, under the names by which this one reaches them."""

from __future__ import annotations

import h5py


class Elsewhere:
    """What an external link shows: named by the link, though in another file."""

    _link: str
    _home: h5py.File

    @property
    def name(self) -> str:
        return self._link

    @property
    def file(self) -> h5py.File:
        return self._home


class _GroupElsewhere(Elsewhere, h5py.Group):  # type: ignore[misc]
    pass


class _DatasetElsewhere(Elsewhere, h5py.Dataset):  # type: ignore[misc]
    pass


def elsewhere(node: h5py.Group | h5py.Dataset, link: str, home: h5py.File) -> Elsewhere:
    """Name an object of another file as the file that was opened does.

    Parameters
    ----------
    node
        The object.
    link
        HDF5 path that led to it.
    home
        The file that was opened.
    """
    is_group = isinstance(node, h5py.Group)
    named: Elsewhere = (_GroupElsewhere if is_group else _DatasetElsewhere)(node.id)
    named._link, named._home = link, home
    return named
