"""One bad group never hides the good ones: it is skipped, and said so."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import plaintext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..lazy.files import SharedFile

# h5py lets HDF5's errors out as whatever seems closest to each.
_DAMAGE = (OSError, RuntimeError, KeyError, IndexError, ValueError, TypeError)
_LISTED = 5


@contextmanager
def skipping(file: SharedFile, name: str) -> Iterator[None]:
    """Turn an error into a warning that names where it came from.

    Parameters
    ----------
    file
        The file being read.
    name
        HDF5 path of the group or dataset that is given up.
    """
    try:
        yield
    except _DAMAGE as error:
        warn(f"{file.path}:{name} is left out: {error}")


def warn(message: str) -> None:
    """Say what a file lacks, or what was left out of it.

    Parameters
    ----------
    message
        One sentence that names the file.
    """
    warnings.warn(plaintext.message(message), UserWarning, stacklevel=3)


def listed(items: Sequence[str]) -> str:
    """Write out the first few of many items.

    Parameters
    ----------
    items
        At least one.
    """
    first = ", ".join(items[:_LISTED])
    more = len(items) - _LISTED
    return f"{first} and {more} more" if more > 0 else first
