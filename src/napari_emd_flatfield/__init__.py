"""Open EMD and HDF5 scans lazily, flat-field them, save them as EMD.

Nothing here imports napari or Qt: those live in `napari_emd_flatfield.plugin`.
"""

from importlib.metadata import version

from .errors import (
    EmdFlatfieldError,
    FileOpenError,
    FlatFieldError,
    NoSignalError,
    ReadError,
    SignalError,
    WriteError,
)
from .flatfield import FlatField, correct
from .formats import read
from .signal import Axis, Signal
from .writing import Progress, write

__version__ = version("napari-emd-flatfield")

__all__ = [
    "Axis",
    "EmdFlatfieldError",
    "FileOpenError",
    "FlatField",
    "FlatFieldError",
    "NoSignalError",
    "Progress",
    "ReadError",
    "Signal",
    "SignalError",
    "WriteError",
    "__version__",
    "correct",
    "read",
    "write",
]
