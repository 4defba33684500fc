"""What a file shows of other files, and which of them it may.

External links, virtual datasets and external raw storage make any file on the disk
appear as a part of an HDF5 file. HDF5 follows them without a word, so each is looked
at before HDF5 gets to it: only files in the folder of the one that was opened, or
below it, are followed, unless the user allows all.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import h5py

from .links import check_links
from .sources import has_sources
from .walking import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .sources import Source


class Rule:
    """What may be followed, and what was seen since this was said.

    Parameters
    ----------
    everywhere
        Whether all may, not only what is in the folder of the file that was opened.
    """

    def __init__(self, everywhere: bool) -> None:
        self.everywhere = everywhere
        self._walks: dict[str, Walk] = {}

    def walk(self, start: h5py.Group) -> Walk:
        """Return a walk that begins in a file, the same as before.

        Parameters
        ----------
        start
            An object of the file.
        """
        name = "" if self.everywhere else start.file.filename
        if name not in self._walks:
            self._walks[name] = Walk(None if self.everywhere else start)
        return self._walks[name]


_rule: ContextVar[Rule | None] = ContextVar("follow_external", default=None)


@contextmanager
def following(rule: bool | Rule) -> Iterator[None]:
    """Follow what leads to other files, for a while.

    What was looked at meanwhile, or under the same rule before, is not looked at again.

    Parameters
    ----------
    rule
        Or whether to follow wherever it leads, not only to the folder of the file
        that was opened.
    """
    outer = _rule.get()
    if isinstance(rule, Rule):
        token = _rule.set(rule)
    elif outer is not None and outer.everywhere == rule:
        token = _rule.set(outer)
    else:
        token = _rule.set(Rule(rule))
    try:
        yield
    finally:
        _rule.reset(token)


def opened(group: h5py.Group, path: str) -> Any:
    """Open an object, if all it shows lies where it may.

    Parameters
    ----------
    group
        Where to start.
    path
        HDF5 path, from there.

    Returns
    -------
    h5py.Group, h5py.Dataset or h5py.Datatype
        As ``group[path]``.

    Raises
    ------
    NotFollowedError
        If a link on the way, or its data, lead outside the folder, or it is made of
        itself.
    KeyError, OSError, RuntimeError
        What HDF5 raises.
    """
    rule = _rule.get() or Rule(everywhere=False)
    check_links(group, path, None if rule.everywhere else group)
    node = group[path]
    if isinstance(node, h5py.Dataset) and has_sources(node):
        rule.walk(group).check(node)  # HDF5 crashes where they go in a circle
    return node


def sources(dataset: h5py.Dataset, group: h5py.Group) -> list[Source]:
    """Find all that a dataset shows parts of, at all depths.

    Parameters
    ----------
    dataset
        Any dataset.
    group
        Where it was reached from.

    Returns
    -------
    list of Source
        As `Walk.sources` finds them.

    Raises
    ------
    NotFollowedError
        As `opened` raises it.
    """
    if not has_sources(dataset):
        return []
    return (_rule.get() or Rule(everywhere=False)).walk(group).sources(dataset)
