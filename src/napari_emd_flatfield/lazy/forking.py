"""What becomes of open files when a process forks."""

from __future__ import annotations

import os

from .cache import CACHE
from .files import SharedFile

_forking: list[SharedFile] = []


def _before_fork() -> None:
    """Leave a child no handle: it would share the position in the file.

    Parent and child read at that position, so either would get bytes the other
    asked for. Each opens the file anew instead, with its next read.
    """
    for work in CACHE.clear():
        work.settle()  # which may want any lock
    SharedFile._registry_lock.acquire()
    _forking.extend(SharedFile._registry.values())
    for file in _forking:
        file._lock.acquire()
        file._shut()


def _after_fork() -> None:
    while _forking:
        _forking.pop()._lock.release()
    SharedFile._registry_lock.release()


def _after_fork_in_child() -> None:
    CACHE.clear()  # what was begun meanwhile has no thread to finish it here
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
