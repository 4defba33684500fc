"""What the processes do that are killed, or save at the same time."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

import numpy as np

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

# Started once; what it forks has everything imported.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["napari_emd_flatfield"])


def frames(seed: int, count: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).poisson(1000, (count, 256, 256)).astype("u2")


def save(path: Path, seed: int, mode: Any, name: str, pipe: Connection) -> None:
    signal = nef.Signal(name, frames(seed))
    pipe.send("started")
    try:
        nef.write(path, signal, mode=mode)
    except nef.WriteError as error:
        pipe.send(str(error))
    else:
        pipe.send("saved")


def begin(path: Path, seed: int, mode: str, name: str = "new") -> tuple[Any, Any]:
    """Start to save in another process, and wait until it does."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=save, args=(path, seed, mode, name, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "started"
    return process, ours
