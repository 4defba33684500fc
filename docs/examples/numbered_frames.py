"""Correct a beamline file whose frames are numbered datasets.

The numbers say where along the scan a frame or a flat was recorded, so no
position needs to be given.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np

import napari_emd_flatfield as nef
from napari_emd_flatfield.synthetic import make_scan


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "beamline.h5"
        write_numbered(path)

        data, flatfield, dark = nef.read(path)
        print(f"{data.name}: {data.shape} at {data.axes[0].values}")
        print(f"{flatfield.name}: {flatfield.shape} at {flatfield.axes[0].values}")

        corrected = nef.correct(data, flatfield, dark)
        background = np.nanmedian(corrected.data[3])
        print(f"background of the frame at 300: {background:.2f}")

        # EMD keeps the positions as a dim vector.
        nef.write(Path(folder) / "corrected.emd", corrected)
        data.data.close()  # Windows removes no file that is open


def write_numbered(path: Path) -> None:
    scan = make_scan(frames=6)
    with h5py.File(path, "w") as file:
        for position, frame in zip(scan.raw.axes[0].values, scan.raw.data, strict=True):
            file[f"data/{position:04.0f}"] = frame
        for position, flat in zip((0, 500), scan.flats.data, strict=True):
            file[f"flatfield/{position:04}"] = flat
        file["dark/0000"] = scan.dark.data


if __name__ == "__main__":
    main()
