"""One bad group never hides the good ones."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..lazy.files import SharedFile
    from ..signal import Signal
    from .tree import Node

    NodeT = TypeVar("NodeT", bound=Node)

# What h5py and the parsing of stray content raise for a damaged object.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError)


def readable(
    file: SharedFile, nodes: Iterable[NodeT], make: Callable[[NodeT], Signal]
) -> list[Signal]:
    """Make a signal of each node that gives one, and name those that do not.

    Parameters
    ----------
    file
        The file the nodes are in.
    nodes
        Groups or datasets that should each be an image.
    make
        Makes a signal of one of them.

    Returns
    -------
    list of Signal
        In the order of the nodes, which may be more.

    Warns
    -----
    UserWarning
        For each node left out, with its path and the reason.
    """
    signals = []
    for node in nodes:
        try:
            signals.append(make(node))
        except DAMAGE as error:
            left_out(file, node.name, f"it cannot be read ({error})")
    return signals


def left_out(file: SharedFile, name: str, reason: str) -> None:
    """Warn that something in a file is not among its signals.

    Parameters
    ----------
    file
        The file.
    name
        HDF5 path of what is left out.
    reason
        Why, and what to do about it.
    """
    warnings.warn(f"{file.path}: {name} was left out: {reason}", stacklevel=2)
