"""See what is in a file, without reading its images.

Run it with the name of a file, or without to look at a synthetic scan.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import napari_emd_flatfield as nef
from napari_emd_flatfield.synthetic import make_scan


def main() -> None:
    if len(sys.argv) > 1:
        describe(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        scan = make_scan(frames=5)
        path = Path(folder) / "scan.emd"
        nef.write(path, [scan.raw, scan.flats, scan.dark])
        describe(path)


def describe(path: Path) -> None:
    for signal in nef.read(path):
        print(f"{signal.name} ({signal.role}): {signal.shape} {signal.dtype}")
        print(f"  stored as {signal.dataset}")
        for axis in signal.axes:
            spacing = "evenly spaced" if axis.is_uniform else "unevenly spaced"
            print(
                f"  {axis.name or 'unnamed axis'}: {len(axis)} from {axis.offset:g} "
                f"by {axis.scale:g} {axis.units}, {spacing}"
            )
        for key, value in signal.metadata.items():
            print(f"  {key}: {value}")
        signal.data.close()


if __name__ == "__main__":
    main()
