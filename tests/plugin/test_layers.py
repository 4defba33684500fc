from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import h5py
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

import napari_emd_flatfield as nef
from napari_emd_flatfield import Axis, Signal
from napari_emd_flatfield.lazy import LazyArray
from napari_emd_flatfield.plugin.contrast import contrast_limits
from napari_emd_flatfield.plugin.layers import layer_data, signal_of_layer
from napari_emd_flatfield.plugin.reader import get_reader, read_layers
from napari_emd_flatfield.plugin.writer import write_layers

if TYPE_CHECKING:
    from pathlib import Path

# The scan most tests open is not evenly spaced.
pytestmark = pytest.mark.filterwarnings("ignore:.*not evenly spaced")


class Counting(LazyArray):
    """Zeros that count how many elements are read."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, "u2")
        self.read = 0

    def _read(self, slices: tuple[slice, ...]) -> np.ndarray:
        block = np.zeros([s.stop - s.start for s in slices], self.dtype)
        self.read += block.size
        return block


def a_scan(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    y = Axis("y", "nm", 0.5 * np.arange(8) + 2)
    x = Axis("x", "nm", 0.25 * np.arange(10))
    along = Axis("position", "nm", np.array([0.0, 100, 250, 500]))
    raw = Signal(
        "raw", random.integers(200, 900, (4, 8, 10)).astype("u2"), (along, y, x)
    )
    ends = Axis("position", "nm", np.array([0.0, 500]))
    flats = Signal(
        "flats",
        random.integers(800, 999, (2, 8, 10)).astype("u2"),
        (ends, y, x),
        "flat",
    )
    dark = Signal("dark", np.full((8, 10), 100, "u2"), (y, x), "dark")
    metadata = {"microscope": {"voltage": 300.0}, "sample": {"name": "Au"}}
    signals = [
        Signal(s.name, s.data, s.axes, s.role, metadata) for s in (raw, flats, dark)
    ]
    return nef.write(tmp_path / "scan.emd", signals)


def pixels(*shape: int) -> tuple[Axis, ...]:
    return tuple(map(Axis.index, shape))


def opened(path: Path) -> ViewerModel:
    viewer = ViewerModel()
    for data, kwargs, kind in get_reader(str(path))(str(path)):
        getattr(viewer, f"add_{kind}")(data, **kwargs)
    return viewer


def test_layers_are_calibrated_and_references_lie_hidden_beneath(
    tmp_path: Path,
) -> None:
    viewer = opened(a_scan(tmp_path))
    assert [(layer.name, layer.visible) for layer in viewer.layers] == [
        ("dark", False),
        ("flats", False),
        ("raw", True),
    ]
    raw = viewer.layers["raw"]
    assert isinstance(raw.data, LazyArray)
    np.testing.assert_allclose(raw.scale, [500 / 3, 0.5, 0.25])
    np.testing.assert_allclose(raw.translate, [0, 2, 0])
    assert raw.axis_labels == ("position", "y", "x")
    assert [str(unit) for unit in raw.units] == ["nanometer"] * 3
    assert raw.metadata["microscope"] == {"voltage": 300.0}
    assert viewer.dims.units is not None


def test_unknown_and_missing_units_become_pixels() -> None:
    axes = (
        Axis("a", "furlongs?", np.arange(3)),
        Axis("", "", np.arange(4)),
        Axis.index(5),
    )
    ((_, kwargs, _),) = layer_data([Signal("s", np.zeros((3, 4, 5)), axes)])
    assert kwargs["units"] == ("pixel",) * 3
    assert kwargs["axis_labels"] == ("a", "-2", "-1")


def test_uncalibrated_references_are_shown_like_the_raw_frames() -> None:
    y, x = Axis("y", "nm", 0.5 * np.arange(4)), Axis("x", "nm", 0.5 * np.arange(5))
    raw = Signal("raw", np.zeros((4, 5)), (y, x))
    dark = Signal("dark", np.zeros((4, 5)), role="dark")
    first = Signal("first", np.zeros((2, 2)), (Axis("y", "Å", y.values[:2]),) * 2)
    layers = {k["name"]: Image(d, **k) for d, k, _ in layer_data([first, raw, dark])}
    assert layers["dark"].units == layers["raw"].units
    np.testing.assert_allclose(layers["dark"].scale, 0.5)
    assert signal_of_layer(layers["dark"]).axes == dark.axes


def test_pixels_are_never_mixed_with_units(tmp_path: Path) -> None:
    calibrated = [Axis(n, "µm", 0.5 * np.arange(4) + 3) for n in "yx"]
    time = Axis("time", "s", 2.0 * np.arange(3))
    numbers = Axis("", "", 0.25 * np.arange(6))
    signals = [
        Signal("movie", np.ones((3, 4, 4)), (time, *calibrated)),
        Signal("stack", np.ones((2, 4, 4)), (Axis.index(2, "frame"), *calibrated)),
        Signal("map", np.ones((7, 6)), (Axis.index(7), numbers)),
        Signal("photo", np.ones((3, 5, 8)), (Axis.index(3, "rgb"), *pixels(5, 8))),
    ]
    path = nef.write(tmp_path / "mixed.emd", signals)
    with pytest.warns(UserWarning, match="no unit") as warned:
        viewer = opened(path)
    (message,) = [str(each.message) for each in warned]
    assert message.startswith(f"{path} says no unit for some axes (map, photo, stack)")
    seconds, *micrometres = (str(unit) for unit in viewer.layers["movie"].units)
    assert (seconds, micrometres) == ("second", ["micrometer"] * 2)
    assert [str(u) for u in viewer.dims.units] == [seconds, *micrometres]
    for name, scale, translate in (
        ("movie", [2, 0.5, 0.5], [0, 3, 3]),
        ("stack", [1, 0.5, 0.5], [0, 3, 3]),
        ("map", [1, 0.25], [0, 0]),
        ("photo", [1, 1], [0, 0]),
    ):
        np.testing.assert_allclose(viewer.layers[name].scale, scale)
        np.testing.assert_allclose(viewer.layers[name].translate, translate)
    write_layers(
        str(tmp_path / "again.emd"), [v.as_layer_data_tuple() for v in viewer.layers]
    )
    again = {signal.name: signal.axes for signal in nef.read(tmp_path / "again.emd")}
    assert again == {signal.name: signal.axes for signal in nef.read(path)}


def test_numbers_without_a_unit_are_taken_for_those_of_the_file() -> None:
    metres = [Axis(n, "m", 2e-10 * np.arange(50)) for n in "yx"]
    bare = [Axis(n, "", 3e-10 * np.arange(40)) for n in "yx"]
    signals = [
        Signal("map", np.ones((40, 40)), tuple(bare)),
        Signal("image", np.ones((50, 50)), tuple(metres)),
        Signal("mask", np.ones((30, 30))),
    ]
    with pytest.warns(UserWarning, match=r"axes \(map, mask\)"):
        layers = {k["name"]: Image(d, **k) for d, k, _ in layer_data(signals)}
    for name, scale in (("image", 0.2), ("map", 0.3), ("mask", 1)):
        assert [str(unit) for unit in layers[name].units] == ["nanometer"] * 2
        np.testing.assert_allclose(layers[name].scale, scale)
    for signal in signals:
        assert signal_of_layer(layers[signal.name]).axes == signal.axes


@pytest.mark.parametrize("calibrated", [0, 1])
def test_a_frame_calibrated_along_one_axis_has_square_pixels(calibrated: int) -> None:
    axes = [Axis.index(4, "y"), Axis.index(4, "x")]
    axes[calibrated] = Axis("yx"[calibrated], "nm", 9 - 0.25 * np.arange(4))
    signal = Signal("half", np.ones((4, 4)), tuple(axes))
    with pytest.warns(UserWarning, match="no unit for some axes"):
        ((data, kwargs, _),) = layer_data([signal])
    layer = Image(data, **kwargs)
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 2
    assert layer.scale[calibrated] == -0.25
    assert layer.scale[1 - calibrated] == 0.25
    assert signal_of_layer(layer).axes == signal.axes


def test_what_is_calibrated_by_hand_afterwards_is_saved_so() -> None:
    nm = tuple(Axis(n, "nm", np.arange(5)) for n in "yx")
    with pytest.warns(UserWarning, match="no unit"):
        layers = layer_data(
            [Signal("a", np.ones((5, 5)), nm), Signal("b", np.ones((4, 4)))]
        )
    layer = Image(layers[0][0], **layers[0][1])
    assert layer.name == "b"
    assert signal_of_layer(layer).axes == (Axis.index(4),) * 2
    layer.scale = (2, 2)
    assert signal_of_layer(layer).axes == (Axis("", "nm", 2.0 * np.arange(4)),) * 2


def test_making_layers_reads_a_few_frames_only() -> None:
    data = Counting((1000, 64, 64))
    layer_data([Signal("s", data)])
    assert 0 < data.read <= 5 * 64 * 64


def test_a_huge_frame_is_sampled_in_its_middle() -> None:
    data = Counting((50_000, 60_000))
    contrast_limits(data)
    assert 0 < data.read <= 2048 * 2048


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (np.zeros((3, 4, 4)), (0, 1)),
        (np.full((4, 4), np.nan), (0, 1)),
        (np.zeros((0, 4, 4)), (0, 1)),
        (np.arange(2, dtype=bool).repeat(8).reshape(4, 4), (0, 1)),
        (np.full((4, 4), 7, "u1"), (7, 8)),
    ],
)
def test_contrast_limits_always_increase(data: np.ndarray, expected: Any) -> None:
    assert contrast_limits(data) == expected


def test_contrast_limits_ignore_dead_pixels_and_blank_first_frame() -> None:
    data = np.random.default_rng(0).normal(1, 0.01, (5, 100, 100))
    data[0] = 1
    data[:, 3, 4] = np.nan
    data[:, 7, 7] = 1e9
    low, high = contrast_limits(data)
    assert 0.9 < low < high < 1.1


@pytest.mark.parametrize("blank", [0, 2, 4])
def test_contrast_limits_ignore_a_frame_without_light(blank: int) -> None:
    data = np.random.default_rng(0).normal(30_000, 100, (5, 64, 64)).astype("u2")
    data[blank] = np.random.default_rng(1).normal(100, 3, (64, 64))
    low, high = contrast_limits(data)
    assert 29_000 < low < high < 31_000


def test_contrast_limits_come_from_frames_that_show_something() -> None:
    data = np.full((9, 64, 64), np.nan)
    data[2] = np.random.default_rng(0).normal(5, 1, (64, 64))
    low, high = contrast_limits(data)
    assert 0 < low < 4
    assert 6 < high < 10


def test_contrast_limits_ignore_gaps_of_a_detector() -> None:
    data = np.random.default_rng(0).poisson(50, (3, 64, 1030)).astype("u4")
    data[..., 512:518] = np.iinfo("u4").max
    low, high = contrast_limits(data)
    assert 10 < low < high < 100
    # More than half of a frame is no gap: it is what there is to see.
    saturated = np.full((3, 64, 64), 65_535, "u2")
    saturated[:, :16] = 60_000
    assert contrast_limits(saturated) == (60_000, 65_535)


@pytest.mark.parametrize(
    "data",
    [
        np.full((2, 5, 5), np.iinfo("u8").max),
        np.full((2, 5, 5), np.iinfo("i8").max),
        np.full((2, 5, 5), np.iinfo("i8").min),
        2**62 + np.arange(50).reshape(2, 5, 5),
        np.full((2, 5, 5), 1e17),
        np.full((2, 5, 5), np.finfo("f4").max),
        np.full((2, 5, 5), np.finfo("f4").min),
        np.ones((2, 5, 5), bool),
    ],
)
def test_a_layer_of_any_constant_opens(data: np.ndarray) -> None:
    ((shown, kwargs, _),) = layer_data([Signal("a", data)])
    low, high = Image(shown, **kwargs).contrast_limits
    assert low < high


def test_unchanged_layers_save_as_they_were_opened(tmp_path: Path) -> None:
    path = a_scan(tmp_path)
    viewer = opened(path)
    write_layers(
        str(tmp_path / "again.emd"), [v.as_layer_data_tuple() for v in viewer.layers]
    )
    for before, after in zip(
        nef.read(path), nef.read(tmp_path / "again.emd"), strict=True
    ):
        assert (after.name, after.role, after.axes) == (
            before.name,
            before.role,
            before.axes,
        )
        np.testing.assert_array_equal(after.data, before.data)
        assert after.metadata["microscope"] == before.metadata["microscope"]
        assert before.metadata["comments"].items() <= after.metadata["comments"].items()
        assert len(after.metadata["comments"]) == len(before.metadata["comments"]) + 1


def test_recalibrating_a_layer_changes_what_is_saved(tmp_path: Path) -> None:
    layer = opened(a_scan(tmp_path)).layers["raw"]
    layer.scale = (10, 2, 2)
    layer.units = ("nm", "um", "um")
    signal = signal_of_layer(layer)
    np.testing.assert_allclose(signal.axes[0].values, [0, 10, 20, 30])
    assert [axis.units for axis in signal.axes] == ["nm", "µm", "µm"]
    assert signal.axes[1].offset == 2


@pytest.mark.parametrize("make", [np.asarray, da.asarray])
def test_layers_of_other_origin_save_with_their_calibration(
    tmp_path: Path, make: Any
) -> None:
    image = np.random.default_rng(0).random((3, 4, 5)).astype("f4")
    layer = Image(
        make(image),
        name="mine",
        scale=(2, 1, 1),
        translate=(5, 0, 0),
        units=("s", "nm", "nm"),
    )
    write_layers(str(tmp_path / "x.emd"), [layer.as_layer_data_tuple()])
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, image)
    assert signal.axes[0] == Axis("", "s", np.array([5.0, 7, 9]))
    assert signal.axes[1].units == "nm"


def test_labels_rgb_and_multiscale_layers_are_saved(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype("u1")
    labels = np.arange(12, dtype="i4").reshape(3, 4)
    layers = [
        Image(image, rgb=True, name="colour"),
        Labels(labels, name="cells"),
        Image([image[..., 0], image[::2, ::2, 0]], name="pyramid", multiscale=True),
    ]
    write_layers(str(tmp_path / "x.emd"), [v.as_layer_data_tuple() for v in layers])
    found = {signal.name: signal.data for signal in nef.read(tmp_path / "x.emd")}
    np.testing.assert_array_equal(found["colour"], np.moveaxis(image, -1, 0))
    np.testing.assert_array_equal(found["cells"], labels)
    np.testing.assert_array_equal(found["pyramid"], image[..., 0])
    opened = [
        Image(data, **kwargs)
        for data, kwargs, _ in read_layers(str(tmp_path / "x.emd"))
    ]
    (colour,) = [layer for layer in opened if layer.name == "colour"]
    assert colour.rgb
    np.testing.assert_array_equal(colour.data, image)


def test_a_name_typed_without_extension_gets_one(tmp_path: Path) -> None:
    layer = Image(np.ones((3, 4)), name="a")
    (written,) = write_layers(str(tmp_path / "x"), [layer.as_layer_data_tuple()])
    assert written == str(tmp_path / "x.emd")
    assert nef.read(written)[0].name == "a"


def test_bad_files_are_reported_with_their_reason(tmp_path: Path) -> None:
    bad = tmp_path / "bad.emd"
    bad.write_bytes(b"\x89not HDF5 at all")
    reader = get_reader(str(bad))
    with pytest.raises(OSError, match=r"bad\.emd is not an HDF5 file"):
        reader(str(bad))


def test_what_cannot_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        good = np.random.default_rng(0).integers(0, 99, (64, 64))
        file["good"] = good
        file.create_dataset("bad", data=good, chunks=(64, 64), compression="gzip")
        chunk = file["bad"].id.get_chunk_info(0)
    damaged = bytearray(path.read_bytes())
    damaged[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(damaged)
    signals = nef.read(path)
    with pytest.warns(UserWarning, match=r"left out: .*x\.h5:/bad cannot be read"):
        ((_, kwargs, _),) = layer_data(signals)
    assert kwargs["name"] == "good"
    with pytest.raises(nef.ReadError, match=r"x\.h5:/bad cannot be read"):
        layer_data([signal for signal in signals if signal.name == "bad"])


def test_a_file_is_shown_in_one_readable_unit_and_saved_in_its_own(
    tmp_path: Path,
) -> None:
    fine = [Axis(n, "m", 2.5e-10 * np.arange(400)) for n in "yx"]
    coarse = [Axis(n, "µm", 0.02 * np.arange(5) + 1) for n in "yx"]
    fourier = [Axis(n, "1/m", 1e8 * np.arange(64)) for n in "yx"]
    signals = [
        Signal("fine", np.ones((400, 400)), tuple(fine)),
        Signal("coarse", np.ones((5, 5)), tuple(coarse)),
        Signal("fourier", np.ones((64, 64)), tuple(fourier)),
    ]
    layers = {k["name"]: Image(d, **k) for d, k, _ in layer_data(signals)}
    for name, unit, scale in (
        ("fine", "nanometer", 0.25),
        ("coarse", "nanometer", 20),
        ("fourier", "1 / nanometer", 0.1),
    ):
        assert [str(u) for u in layers[name].units] == [unit] * 2
        np.testing.assert_allclose(layers[name].scale, scale)
    np.testing.assert_allclose(layers["coarse"].translate, 1000)
    for signal in signals:
        assert signal_of_layer(layers[signal.name]).axes == signal.axes


def test_readable_units_are_left_alone() -> None:
    axes = tuple(Axis(n, "Å", np.arange(20)) for n in "yx")
    ((_, kwargs, _),) = layer_data([Signal("a", np.ones((20, 20)), axes)])
    assert kwargs["units"] == ("angstrom", "angstrom")
    assert kwargs["scale"] == (1, 1)


def test_colour_images_are_shown_in_colour_and_saved_as_read(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (3, 40, 50)).astype("u1")
    y, x = Axis("y", "nm", 0.5 * np.arange(40)), Axis("x", "nm", 0.5 * np.arange(50))
    signal = Signal("photo", image, (Axis.index(3, "rgb"), y, x))
    ((data, kwargs, _),) = layer_data([signal])
    layer = Image(data, **kwargs)
    assert layer.rgb
    np.testing.assert_allclose(layer.scale, 0.5)
    np.testing.assert_array_equal(layer.data[3, 4], image[:, 3, 4])
    back = signal_of_layer(layer)
    assert back.axes == signal.axes
    np.testing.assert_array_equal(back.data, image)
