"""The facts about what is in a file, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plaintext import printable

if TYPE_CHECKING:
    from .entries import Entry
    from .storage import Storage

_PREFIXES = ("B", "kB", "MB", "GB", "TB")
_NOTHING = {"hard": "damaged", "soft": "missing", "external": "missing"}


def shape_text(shape: tuple[int, ...] | None) -> str:
    """Write a shape as 51×256×320.

    Parameters
    ----------
    shape
        Shape of a dataset or a chunk; None without a dataspace.
    """
    if shape is None:
        return "empty"
    return "×".join(map(str, shape)) if shape else "scalar"


def size_text(size: float) -> str:
    """Write a number of bytes as 12.3 MB.

    Parameters
    ----------
    size
        Bytes.
    """
    step = 0
    while size >= 999.5 and step < len(_PREFIXES) - 1:
        size /= 1000
        step += 1
    digits = 1 if step and size < 99.95 else 0
    return f"{size:.{digits}f} {_PREFIXES[step]}"


def cells(entry: Entry) -> tuple[str, str, str, str, str, str, str]:
    """Describe an entry in a line of a table.

    Parameters
    ----------
    entry
        Any entry.

    Returns
    -------
    tuple of str
        Name, shape, type, chunks, filters, stored size and ratio; empty where
        an entry has no such thing.
    """
    name = printable(entry.name)
    if entry.link != "hard":
        name += f" → {printable(entry.target)}"
    stored = entry.storage
    if stored is None:
        return name, _instead_of_shape(entry), "", "", "", "", ""
    return (
        name,
        shape_text(stored.shape),
        printable(stored.dtype),
        shape_text(stored.chunks) if stored.chunks else "",
        ", ".join(map(printable, stored.filters)),
        size_text(stored.stored) if stored.stored else "",
        f"{stored.ratio:.1f}×" if stored.ratio else "",
    )


def sentences(entry: Entry) -> list[str]:
    """Say all there is to say of an entry.

    Parameters
    ----------
    entry
        Any entry.
    """
    said = [printable(entry.path)]
    if entry.link != "hard":
        said.append(f"{entry.link} link to {printable(entry.target)}")
    if entry.kind == "missing":
        said.append(
            "damaged: HDF5 cannot open it"
            if entry.link == "hard"
            else "there is nothing where it points to, or not in the file's folder"
        )
    elif entry.storage is None:
        said.append(_instead_of_shape(entry))
    else:
        said += _storage_sentences(entry.storage)
    return said


def _storage_sentences(stored: Storage) -> list[str]:
    said = [f"{printable(stored.dtype)}, {shape_text(stored.shape)}"]
    if stored.chunks:
        filters = " and ".join(map(printable, stored.filters))
        through = f", each through {filters}" if filters else ""
        said.append(f"in chunks of {shape_text(stored.chunks)}{through}")
    else:
        said.append(f"{stored.layout} storage")
    if stored.stored:
        said.append(f"{size_text(stored.stored)} stored of {size_text(stored.size)}")
    elif stored.size and stored.layout != "virtual":
        said.append("nothing written yet")
    if stored.missing:
        missing = ", ".join(map(printable, stored.missing))
        said.append(f"cannot be read here: HDF5 filter {missing} is not available")
    return said


def _instead_of_shape(entry: Entry) -> str:
    if entry.kind == "group":
        return f"{entry.count} object{'s' * (entry.count != 1)}"
    return "named type" if entry.kind == "datatype" else _NOTHING[entry.link]
