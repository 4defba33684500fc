"""From a file to its signals."""

from __future__ import annotations

import os
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from ..errors import (
    EmdFlatfieldError,
    FileOpenError,
    NoSignalError,
    ReadError,
    SignalError,
)
from ..lazy.files import SharedFile
from ..lazy.following import following
from . import (
    berkeley,
    emd1,
    hyperspy,
    masters,
    nexus,
    plain,
    py4dstem,
    tomography,
    velox,
)
from .components import check, shown
from .nodes import Nodes
from .selection import opened_unasked
from .tree import child, children, identity, is_image, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..lazy import Part
    from ..signal import Signal
    from .tree import Node

_DIALECTS = (
    velox,
    emd1,
    py4dstem,
    berkeley,
    masters,
    tomography,
    nexus,
    hyperspy,
    plain,
)
_ORDER = {"raw": 0, "flat": 1, "dark": 2}


def read(
    path: str | os.PathLike[str],
    dataset: str | None = None,
    component: Part = "modulus",
    *,
    follow_external: bool = False,
) -> list[Signal]:
    """Open the images in an EMD or HDF5 file, without reading them.

    Parameters
    ----------
    path
        The file, ``~`` being one's home; its content decides how it is read, not
        its extension.
    dataset
        HDF5 path, or pattern with ``*`` and ``?``, of the images wanted: of a
        dataset, or of the group that holds it, or several in groups of their
        own. When left out, all images, or of a file with more than 32 those
        `selection` finds the most telling.
    component
        The part of complex data that makes the image: ``"modulus"``,
        ``"phase"`` (radian), ``"real"`` or ``"imaginary"``.
    follow_external
        Whether to show data of other files wherever they are. Links, virtual
        datasets and raw storage can make a file show parts of any other; by
        default those in its own folder and below are followed, and a warning
        tells of others.

    Returns
    -------
    list of Signal
        Raw signals first, then flats, then darks. Their data are lazy arrays.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileOpenError
        If it is empty, truncated, unreadable or not HDF5.
    NoSignalError
        If it holds no image, or none called `dataset`.
    SignalError
        If there is no such `component`, or `dataset` is no text.

    Examples
    --------
    >>> raw, flats, dark = read("scan.emd")  # doctest: +SKIP
    >>> raw.data[7].shape  # doctest: +SKIP
    (540, 640)
    """
    check(component)
    if not isinstance(dataset, str | None):
        raise SignalError(f"dataset is an HDF5 path or a pattern, not {dataset!r}")
    file = SharedFile.of(_one_file(path), follow_external)
    with _damage_named(file), file.held() as handle, following(follow_external):
        nodes = Nodes(walk(handle, "/" + (dataset or "").strip("/")))
        added, before = berkeley.added(file, nodes)
        dialect = next(each for each in _DIALECTS if each.recognises(before))
        try:
            signals = dialect.signals(file, before) or plain.signals(file, before)
        except NoSignalError:
            # What a dialect takes for no image can still be asked for.
            if dataset is None and not added:
                raise
            signals = []
        signals = [*signals, *added]
        if dataset is None:
            signals = opened_unasked(file.path, nodes[0], signals)
        else:
            signals = _chosen(signals, file, nodes, dataset)
    if not signals:
        raise NoSignalError(_nothing_found(file, dataset))
    signals = [shown(signal, component) for signal in signals]
    return sorted(signals, key=lambda signal: _ORDER[signal.role])


def _one_file(path: str | os.PathLike[str]) -> Path:
    try:
        given = Path(os.fsdecode(path))
        if "\0" in str(given):
            raise ValueError("a null character")
        return given.expanduser()
    except (TypeError, ValueError) as error:
        raise FileOpenError(
            f"{path!r} is no path: give that of one file at a time ({error})"
        ) from error
    except RuntimeError:  # "~" before something else than a user is just a name
        return given


def _chosen(
    signals: list[Signal],
    file: SharedFile,
    nodes: Nodes,
    asked: str,
) -> list[Signal]:
    there = _names_of(asked, nodes)
    pattern = "/" + asked.strip("/")

    def wanted(name: str) -> bool:
        group = name.rpartition("/")[0]
        if there:
            return name in there or group == pattern
        return fnmatchcase(name, pattern) or fnmatchcase(group, pattern)

    def below(name: str) -> bool:
        return bool(there) and name.startswith(f"{pattern.rstrip('/')}/")

    for chosen in (wanted, below):
        if found := [s for s in signals if s.dataset and chosen(s.dataset)]:
            return found
        # One frame of a numbered series, or an array no EMD group speaks for.
        if found := [s for node in nodes for s in _alone(file, node, chosen)]:
            return found
    return []


def _alone(
    file: SharedFile, node: Node, wanted: Callable[[str], bool]
) -> Iterator[Signal]:
    """Signals of a dataset that is asked for, whatever its neighbours say of it."""
    if is_image(node):
        if wanted(node.name):
            yield plain.single(file, node)
        return
    for field in plain.fields(file, node):
        if wanted(node.name) or wanted(str(field.dataset)):
            yield field


def _names_of(path: str, nodes: Nodes) -> set[str]:
    """What `nodes` call the object at a path, and the members of it if a group."""
    root = nodes[0]
    itself = child(root, path.strip("/")) if path.strip("/") else root
    if itself is None:
        return set()
    members = children(itself) if isinstance(itself, h5py.Group) else ()
    meant = {identity(itself), *(identity(node) for _, node in members)}
    return {path for path, node in nodes.by_path.items() if identity(node) in meant}


@contextmanager
def _damage_named(file: SharedFile) -> Iterator[None]:
    try:
        yield
    except EmdFlatfieldError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ReadError(
            f"{file.path} is damaged: its objects cannot be listed (HDF5 says: "
            f"{error}); copy it again from where it was recorded"
        ) from error


def _nothing_found(file: SharedFile, dataset: str | None) -> str:
    if dataset is None:
        return (
            f"{file.path} holds no image: no numeric dataset of two or more axes; "
            f"`napari-emd-flatfield info {file.path}` lists what is in it"
        )
    return (
        f"{file.path} holds no image at {dataset!r}; "
        f"`napari-emd-flatfield info {file.path}` lists the datasets there are"
    )
