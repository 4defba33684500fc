"""Correct a scan and save it, in a few lines; then see how flat it has become."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import napari_emd_flatfield as nef
from napari_emd_flatfield.synthetic import make_scan, non_uniformity


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Your own scan would be here already.
        scan = make_scan(frames=11)
        path = Path(folder) / "scan.emd"
        nef.write(path, [scan.raw, scan.flats, scan.dark])

        raw, flats, dark = nef.read(path)
        corrected = nef.correct(raw, flats, dark)
        saved = nef.write(Path(folder) / "corrected.emd", corrected)

        (result,) = nef.read(saved)
        before = np.asarray(raw.data, float) - np.asarray(dark.data)
        after = np.asarray(result.data)
        print(f"background uneven by {non_uniformity(before, scan):.1%} before")
        print(f"                 and {non_uniformity(after, scan):.1%} after")
        for signal in (raw, result):
            signal.data.close()  # Windows removes no file that is open


if __name__ == "__main__":
    main()
