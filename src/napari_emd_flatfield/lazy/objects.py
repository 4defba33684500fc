"""Groups and datasets of one open file, by their HDF5 paths."""

from __future__ import annotations

from typing import Any

import h5py

from ..errors import ReadError
from .following import Rule, following, opened

# Datasets kept open between reads, each with a cache of its own: a series may be
# thousands of datasets, of which a cache serves only the last few.
_DATASETS_KEPT = 4

# Groups remembered to lie in this file, so that paths need not be followed anew.
_GROUPS_KNOWN = 1000


class Objects:
    """What was opened in a file, or is known of its paths.

    Parameters
    ----------
    follow_external
        Whether any other file may be followed to, not only those in the folder of
        this one and below.
    """

    def __init__(self, follow_external: bool) -> None:
        self._rule = Rule(follow_external)
        self._datasets: dict[str, h5py.Dataset] = {}
        # Groups to which no link leads but hard ones; which was used last is last.
        self._reached: dict[str, None] = {}

    def open(self, file: h5py.File, name: str) -> Any:
        """Open an object, if all that it shows may be followed.

        Parameters
        ----------
        file
            The file, the same for all calls until it is closed.
        name
            Its HDF5 path.

        Raises
        ------
        ReadError
            If it shows data of a file that may not be followed.
        """
        parent, _, last = name.rpartition("/")
        with following(self._rule):
            if parent:
                if parent not in self._reached:
                    return opened(file, name)
                # Nothing on the way to the parent can lead elsewhere.
                self._reached[parent] = self._reached.pop(parent)  # used last
            group = file[parent] if parent else file
            node = opened(group, last) if last else group
            is_hard = last and isinstance(group.get(last, getlink=True), h5py.HardLink)
            if is_hard and isinstance(node, h5py.Group):
                self._reached[name] = None
                if len(self._reached) > _GROUPS_KNOWN:
                    del self._reached[next(iter(self._reached))]
            return node

    def dataset(self, file: h5py.File, name: str) -> h5py.Dataset:
        """Open a dataset, or return it as it is open since it was used last.

        Parameters
        ----------
        file, name
            As for `open`.

        Raises
        ------
        ReadError
            If there is no such dataset, or no more.
        """
        # HDF5's chunk cache dies with the dataset object that owns it
        # (https://github.com/h5py/h5py/issues/1960).
        dataset = self._datasets.pop(name, None) or self._dataset(file, name)
        self._datasets[name] = dataset
        if len(self._datasets) > _DATASETS_KEPT:
            del self._datasets[next(iter(self._datasets))]
        return dataset

    def _dataset(self, file: h5py.File, name: str) -> h5py.Dataset:
        try:
            node = self.open(file, name)
        except KeyError:
            node = None
        if not isinstance(node, h5py.Dataset):
            raise ReadError(
                f"{file.filename} no longer has a dataset {name}; open it again to see "
                "what is in it now"
            )
        return node

    def clear(self) -> None:
        """Let go of all, before the file is closed."""
        self._datasets.clear()
        self._reached.clear()
        self._rule = Rule(self._rule.everywhere)
