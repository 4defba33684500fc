"""Use napari's layers, and this plugin's reader and writer, without a window."""

from __future__ import annotations

import tempfile
from pathlib import Path

import npe2
from napari.components import ViewerModel

import napari_emd_flatfield as nef
from napari_emd_flatfield.synthetic import make_scan

PLUGIN = "napari-emd-flatfield"


def main() -> None:
    # A window would look for plugins by itself.
    npe2.PluginManager.instance().discover()
    with tempfile.TemporaryDirectory() as folder:
        scan = make_scan(frames=11)
        path = Path(folder) / "scan.emd"
        nef.write(path, [scan.raw, scan.flats, scan.dark])

        viewer = ViewerModel()
        viewer.open(path, plugin=PLUGIN)
        for layer in viewer.layers:
            shown = "shown" if layer.visible else "hidden"
            units = ", ".join(f"{unit:~}" for unit in layer.units)
            print(f"{layer.name}: {layer.data.shape}, {units}, {shown}")

        (copy,) = viewer.layers["raw"].save(
            str(Path(folder) / "copy.emd"), plugin=PLUGIN
        )
        (again,) = nef.read(copy)
        print(f"saved and read again: {again}")
        for data in (again.data, viewer.layers["raw"].data):
            data.close()  # Windows removes no file that is open


if __name__ == "__main__":
    main()
