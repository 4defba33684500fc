from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from npe2 import PluginManager, PluginManifest

import napari_emd_flatfield

NAME = "napari-emd-flatfield"


def test_manifest_is_found_and_every_command_imports() -> None:
    manifest = PluginManifest.from_distribution(NAME)
    manifest.validate_imports()
    assert manifest.display_name


def test_top_level_manifest_is_the_packages_own() -> None:
    package = Path(napari_emd_flatfield.__file__).parent
    top = Path(__file__).parents[2] / "napari.yaml"
    assert top.resolve() == package / "napari.yaml"


def test_reader_takes_every_extension_whatever_its_case() -> None:
    manager = PluginManager.instance()
    manager.discover()
    for extension in [
        "emd",
        "h5",
        "hdf5",
        "hdf",
        "nxs",
        "nx",
        "tvh5",
        "hspy",
        "H5",
        "EMD",
    ]:
        readers = manager.iter_compatible_readers(f"scan.{extension}")
        assert NAME in {reader.plugin_name for reader in readers}, extension


def test_writer_takes_any_number_of_images_and_labels() -> None:
    manager = PluginManager.instance()
    manager.discover()
    for types in (["image"], ["labels"], ["image"] * 4 + ["labels"] * 2):
        writers = manager.iter_compatible_writers(types)
        assert NAME in {writer.plugin_name for writer in writers}, types


def test_importing_the_package_imports_neither_napari_nor_qt() -> None:
    code = (
        "import sys, napari_emd_flatfield.cli; "
        "bad = {'napari', 'qtpy', 'magicgui', 'PyQt6', 'PySide6', 'dask', 'numba'};"
        "print(sorted(bad & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
