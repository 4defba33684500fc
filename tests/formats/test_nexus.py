"""NeXus files: what silx, HyperSpy and h5py wrote, as we read it."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from rsciio.nexus import file_writer as write_hyperspy
from silx.io.nxdata import save_NXdata

from napari_emd_flatfield import NoSignalError, read

IMAGE = np.arange(6 * 8, dtype=np.uint16).reshape(6, 8)


def make_plot(parent, name="plot", image=IMAGE, **attributes):
    plot = parent.create_group(name)
    plot.attrs.update({"NX_class": "NXdata", "signal": "data", **attributes})
    plot["data"] = image
    return plot


def make_entry(file, name="entry"):
    entry = file.create_group(name)
    entry.attrs["NX_class"] = "NXentry"
    return entry


def test_plot_written_by_silx(tmp_path):
    path = tmp_path / "silx.nxs"
    assert save_NXdata(
        str(path),
        signal=IMAGE.astype(np.float32),
        axes=[np.linspace(0, 10, 6), np.linspace(5, 6, 8)],
        signal_name="counts",
        axes_names=["slow", "fast"],
        title="a map",
    )
    with h5py.File(path, "a") as file:
        file["entry/data0/slow"].attrs["units"] = "um"
        file["entry/data0/fast"].attrs["units"] = "nm"

    [signal] = read(path)

    np.testing.assert_array_equal(signal.data, IMAGE)
    assert signal.dtype == np.float32
    assert [axis.name for axis in signal.axes] == ["slow", "fast"]
    assert [axis.units for axis in signal.axes] == ["µm", "nm"]
    np.testing.assert_allclose(signal.axes[0].values, np.linspace(0, 10, 6))
    np.testing.assert_allclose(signal.axes[1].values, np.linspace(5, 6, 8))
    assert signal.name == "counts"


@pytest.mark.parametrize("scan", [("ypos", "xpos"), ("y", "x")])
def test_hyperspy_map_of_images_keeps_its_frames_last(tmp_path, scan):
    data = np.arange(2 * 3 * 4 * 5, dtype=np.float64).reshape(2, 3, 4, 5)
    axes = [
        {
            "_type": "UniformDataAxis",
            "name": name,
            "size": size,
            "scale": 0.5,
            "offset": 20.0,
            "units": "nm",
            "navigate": position < 2,
            "index_in_array": position,
        }
        for position, (name, size) in enumerate(
            zip((*scan, None, None), data.shape, strict=True)
        )
    ]
    path = tmp_path / "map.nxs"
    write_hyperspy(
        path,
        {
            "data": data,
            "axes": axes,
            "metadata": {"General": {"title": "rocks"}},
            "original_metadata": {"stage": {"tilt": 3}},
        },
    )

    [signal] = read(path)

    assert signal.name == "rocks"
    assert [axis.name for axis in signal.axes] == [*scan, "", ""]
    np.testing.assert_array_equal(signal.data, data)
    np.testing.assert_allclose(signal.axes[1].values, [20, 20.5, 21])
    assert signal.axes[1].units == "nm"
    assert signal.metadata["auxiliary"]["original_metadata"]["stage"]["tilt"] == 3


def test_names_of_axes_decide_without_interpretation(tmp_path):
    path = tmp_path / "xy.nxs"
    with h5py.File(path, "w") as file:
        plot = make_plot(make_entry(file), axes=["x", "y"])
        plot["x"], plot["y"] = np.arange(6) * 2.0, np.arange(8) * 3.0

    [signal] = read(path)

    np.testing.assert_array_equal(signal.data, IMAGE.T)
    assert [(axis.name, axis.scale) for axis in signal.axes] == [("y", 3), ("x", 2)]


def test_indices_override_the_order_of_axes(tmp_path):
    path = tmp_path / "indices.nxs"
    with h5py.File(path, "w") as file:
        plot = make_plot(
            make_entry(file), axes=["slow", "fast"], slow_indices=1, fast_indices=[0]
        )
        plot["slow"], plot["fast"] = np.arange(8) * 2.0, np.arange(6) * 3.0

    [signal] = read(path)

    assert [(a.name, a.scale) for a in signal.axes] == [("fast", 3), ("slow", 2)]


def test_older_files_mark_the_signal_and_name_its_axes_there(tmp_path):
    path = tmp_path / "legacy.nxs"
    with h5py.File(path, "w") as file:
        plot = make_entry(file).create_group("data")
        plot.attrs["NX_class"] = "NXdata"
        plot["mask"] = np.zeros((3, 3))
        plot["counts"] = IMAGE
        plot["counts"].attrs.update({"signal": b"1", "axes": "height:width"})
        plot["height"], plot["width"] = np.arange(6) * 0.5, np.arange(8) * 0.25
        plot["height"].attrs["units"] = np.bytes_("mm")

    [signal] = read(path)

    np.testing.assert_array_equal(signal.data, IMAGE)
    assert [(a.name, a.scale) for a in signal.axes] == [
        ("height", 0.5),
        ("width", 0.25),
    ]
    assert signal.axes[0].units == "mm"


def test_edges_of_bins_become_their_centres(tmp_path):
    edges = np.array([0.0, 1, 2, 4, 8, 16, 32])
    path = tmp_path / "edges.nxs"
    with h5py.File(path, "w") as file:
        plot = make_plot(make_entry(file), axes=["tof", "."])
        plot["tof"] = edges

    [signal] = read(path)

    np.testing.assert_array_equal(signal.axes[0].values, [0.5, 1.5, 3, 6, 12, 24])


def test_two_values_are_offset_and_step_as_in_silx(tmp_path):
    path = tmp_path / "calibration.nxs"
    with h5py.File(path, "w") as file:
        plot = make_plot(make_entry(file), axes=["energy", "."])
        plot["energy"] = [100.0, 0.5]

    [signal] = read(path)

    np.testing.assert_array_equal(signal.axes[0].values, 100 + 0.5 * np.arange(6))


@pytest.mark.parametrize(
    "wrong",
    [np.full(6, np.nan), np.zeros(6), np.arange(4.0), np.array([b"a"] * 6)],
    ids=["nan", "constant", "length", "text"],
)
def test_an_axis_that_says_nothing_counts_pixels(tmp_path, wrong):
    path = tmp_path / "wrong.nxs"
    with h5py.File(path, "w") as file:
        make_plot(make_entry(file), axes=["height", "."])["height"] = wrong

    [signal] = read(path)

    assert signal.axes[0].name == "height"
    assert signal.axes[0].is_index


def test_latin_1_units(tmp_path):
    path = tmp_path / "soleil.nxs"
    with h5py.File(path, "w") as file:
        plot = make_plot(make_entry(file), axes=["a", "b"])
        plot["a"], plot["b"] = np.arange(6.0), np.arange(8.0)
        plot["a"].attrs["units"] = np.bytes_("µm".encode("latin-1"))
        kind = h5py.string_dtype()
        plot["b"].attrs.create("units", "µm".encode("latin-1"), dtype=kind)

    [signal] = read(path)

    assert [axis.units for axis in signal.axes] == ["µm", "µm"]


def test_auxiliary_signals_share_the_axes(tmp_path):
    path = tmp_path / "auxiliary.nxs"
    with h5py.File(path, "w") as file:
        plot = make_plot(
            make_entry(file), axes=["h", "."], auxiliary_signals=["second", "absent"]
        )
        plot["second"] = IMAGE * 2
        plot["unplotted"] = IMAGE * 3
        plot["h"] = np.arange(6) * 4.0

    first, second = read(path)

    assert (first.name, second.name) == ("plot", "second")
    np.testing.assert_array_equal(second.data, IMAGE * 2)
    assert second.axes[0] == first.axes[0]
    assert second.axes[0].scale == 4


def test_colours_come_first_as_rgb(tmp_path):
    colours = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    path = tmp_path / "rgb.nxs"
    with h5py.File(path, "w") as file:
        plot = make_plot(make_entry(file), image=colours)
        plot["data"].attrs["interpretation"] = "rgb-image"

    [signal] = read(path)

    assert signal.axes[0].name == "rgb"
    np.testing.assert_array_equal(signal.data, np.moveaxis(colours, -1, 0))
    np.testing.assert_array_equal(signal.data[1, 2:4], colours[2:4, :, 1])


def test_the_default_plot_comes_first(tmp_path):
    path = tmp_path / "default.nxs"
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "b"
        for name in "ab":
            entry = make_entry(file, name)
            entry.attrs["default"] = "second"
            make_plot(entry, "first")
            make_plot(entry, "second", IMAGE + 1)

    signals = read(path)

    assert [s.dataset for s in signals] == [
        "/b/second/data",
        "/a/first/data",
        "/a/second/data",
        "/b/first/data",
    ]
    np.testing.assert_array_equal(signals[0].data, IMAGE + 1)


def test_a_detector_is_shown_once_whoever_links_to_it(tmp_path):
    path = tmp_path / "detectors.nxs"
    with h5py.File(path, "w") as file:
        entry = make_entry(file)
        for name, factor in (("plotted", 1), ("alone", 2)):
            detector = entry.create_group(f"instrument/{name}")
            detector.attrs["NX_class"] = "NXdetector"
            detector["data"] = IMAGE * factor
            detector["pixel_mask"] = np.zeros_like(IMAGE)
        plot = entry.create_group("plot")
        plot.attrs.update({"NX_class": "NXdata", "signal": "data"})
        plot["data"] = h5py.SoftLink("/entry/instrument/plotted/data")

    plotted, alone = read(path)

    assert (plotted.name, alone.name) == ("plot", "alone")
    np.testing.assert_array_equal(plotted.data, IMAGE)
    np.testing.assert_array_equal(alone.data, IMAGE * 2)


def test_external_links_loops_and_types_are_survived(tmp_path):
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        file["deep/frames"] = IMAGE
    path = tmp_path / "linked.nxs"
    with h5py.File(path, "w") as file:
        entry = make_entry(file)
        plot = entry.create_group("plot")
        plot.attrs.update({"NX_class": "NXdata", "signal": "data"})
        plot["data"] = h5py.ExternalLink("frames.h5", "/deep/frames")
        entry["loop"] = file["/"]
        entry["type"] = np.dtype("f4")
        entry["dangling"] = h5py.SoftLink("/nowhere")

    [signal] = read(path)

    assert signal.dataset == "/entry/plot/data"
    np.testing.assert_array_equal(signal.data, IMAGE)
    assert read(path, dataset="/entry/plot/data")[0].shape == IMAGE.shape


def test_a_missing_external_file_is_named(tmp_path):
    path = tmp_path / "master.nxs"
    with h5py.File(path, "w") as file:
        entry = make_entry(file)
        make_plot(entry)
        entry["lost"] = h5py.ExternalLink("lost_frames.h5", "/data")

    with pytest.warns(UserWarning, match=r"master\.nxs links to .*lost_frames\.h5"):
        [signal] = read(path)

    np.testing.assert_array_equal(signal.data, IMAGE)


def test_a_bad_plot_does_not_hide_the_good_one(tmp_path):
    path = tmp_path / "bad.nxs"
    with h5py.File(path, "w") as file:
        entry = make_entry(file)
        make_plot(entry, "good")
        bad = make_plot(entry, "bad", IMAGE + 1, axes=["h", "."])
        # Raw data that some other file holds, and no longer does.
        gone = [(str(tmp_path / "gone.raw"), 0, h5py.h5f.UNLIMITED)]
        bad.create_dataset("h", (6,), "f8", external=gone)

    with pytest.warns(UserWarning, match=r"bad\.nxs:/entry/bad"):
        [signal] = read(path)

    assert signal.name == "good"


def test_what_the_entry_says_is_metadata(tmp_path):
    path = tmp_path / "described.nxs"
    with h5py.File(path, "w") as file:
        entry = make_entry(file)
        entry["title"] = "leaf"
        sample = entry.create_group("sample")
        sample.attrs["NX_class"] = "NXsample"
        sample["temperature"] = 77.0
        make_plot(entry, long_name="transmission")["data"].attrs["units"] = "counts"

    [signal] = read(path)

    assert signal.metadata["title"] == "leaf"
    assert signal.metadata["sample"]["temperature"] == 77.0
    assert signal.metadata["long_name"] == "transmission"
    assert signal.metadata["units"] == "counts"


def test_an_application_definition_without_data(tmp_path):
    path = tmp_path / "empty.nxs"
    with h5py.File(path, "w") as file:
        make_plot(make_entry(file), image=np.int64(1))

    with pytest.raises(NoSignalError, match=r"empty\.nxs"):
        read(path)


def calibrated_plot(file, **attributes):
    plot = make_plot(make_entry(file), **attributes)
    plot["y"], plot["x"] = 0.5 * np.arange(6), 0.25 * np.arange(8) + 3
    plot["y"].attrs["units"] = plot["x"].attrs["units"] = "mm"
    return plot


def assert_calibrated(path):
    [signal] = read(path)
    np.testing.assert_array_equal(signal.data, IMAGE)
    assert [(axis.name, axis.units) for axis in signal.axes] == [
        ("y", "mm"),
        ("x", "mm"),
    ]
    np.testing.assert_array_equal(signal.axes[0].values, 0.5 * np.arange(6))
    np.testing.assert_array_equal(signal.axes[1].values, 0.25 * np.arange(8) + 3)


@pytest.mark.parametrize(
    "kind", [int, str, lambda number: np.bytes_(str(number)), lambda n: np.array([n])]
)
def test_axes_that_say_their_number_themselves(tmp_path, kind):
    path = tmp_path / "oldest.nxs"
    with h5py.File(path, "w") as file:
        plot = calibrated_plot(file)
        del plot.attrs["signal"]
        plot["data"].attrs["signal"] = kind(1)
        plot["motor"] = np.arange(6.0)
        for number, name in ((1, "motor"), (1, "y"), (2, "x")):
            plot[name].attrs["axis"] = kind(number)
        plot["y"].attrs["primary"] = plot["x"].attrs["primary"] = kind(1)
    assert_calibrated(path)


@pytest.mark.parametrize("where", [7, -1, "a", [0, 1]])
def test_indices_that_make_no_sense_give_way_to_the_order_of_names(tmp_path, where):
    path = tmp_path / "odd.nxs"
    with h5py.File(path, "w") as file:
        calibrated_plot(file, axes=["y", "x"], y_indices=where, x_indices=where)
    assert_calibrated(path)


def test_a_signal_that_is_not_there_gives_way_to_the_one_image(tmp_path):
    path = tmp_path / "renamed.nxs"
    with h5py.File(path, "w") as file:
        plot = calibrated_plot(file, axes=["y", "x"])
        plot.attrs["signal"] = "gone"
    assert_calibrated(path)


def test_a_detector_says_the_size_of_its_pixels(tmp_path):
    path = tmp_path / "detector.nxs"
    with h5py.File(path, "w") as file:
        detector = make_entry(file).create_group("instrument/eiger")
        detector.attrs["NX_class"] = "NXdetector"
        detector["data"] = np.stack([IMAGE] * 3)
        for name, size in (("x_pixel_size", 75.0), ("y_pixel_size", 50.0)):
            detector[name] = [size]
            detector[name].attrs["units"] = "um"
    [signal] = read(path)
    assert [axis.name for axis in signal.axes] == ["position", "y", "x"]
    assert [axis.scale for axis in signal.axes] == [1, 50, 75]
    assert [axis.units for axis in signal.axes] == ["pixel", "µm", "µm"]
