"""HDF5 paths, as text."""

from __future__ import annotations

from collections import Counter


def inside(group: str, name: str) -> str:
    """HDF5 path of a name in a group.

    Parameters
    ----------
    group
        HDF5 path of the group.
    name
        The name.
    """
    return f"{group.rstrip('/')}/{name}"


def stem(path: str) -> str:
    """Last part of an HDF5 path."""
    return path.rstrip("/").rpartition("/")[2]


def unique_names(paths: list[str]) -> list[str]:
    """Name objects by the shortest end of their path that tells them apart.

    Parameters
    ----------
    paths
        Different HDF5 paths.

    Returns
    -------
    list of str
        ``["a", "x/data", "y/data"]`` for ``["/a", "/x/data", "/y/data"]``.
    """
    parts = [path.strip("/").split("/") for path in paths]
    lengths = [1] * len(parts)
    while True:
        names = ["/".join(p[-n:]) for p, n in zip(parts, lengths, strict=True)]
        uses = Counter(names)
        longer = [
            n + (uses[name] > 1 and n < len(p))
            for n, name, p in zip(lengths, names, parts, strict=True)
        ]
        if longer == lengths:
            return names
        lengths = longer
