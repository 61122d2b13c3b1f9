from __future__ import annotations

import numpy as np
import pytest

from pipelines.crops import crop_line
from pipelines.pixels import Normalizer


def _page() -> np.ndarray:
    """A page whose blue channel says the column and whose green channel says the row."""
    rows, columns = np.mgrid[0:200, 0:240]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)


def _quad(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.int16)


def test_an_upright_line_is_cut_pixel_by_pixel() -> None:
    crop = crop_line(_page(), _quad(20, 30, 120, 60))
    assert crop.shape == (30, 100, 3)
    assert np.array_equal(crop, _page()[30:60, 20:120])


def test_a_tall_line_is_turned_to_lie_down() -> None:
    crop = crop_line(_page(), _quad(50, 20, 70, 120))
    assert crop.shape == (20, 100, 3)
    # Counter-clockwise: what was on the right is on top, what was on top stays on the left.
    assert crop[0, 0].tolist() == _page()[20, 69].tolist()
    assert crop[-1, -1].tolist() == _page()[119, 50].tolist()


def test_a_line_not_quite_so_tall_stays_upright() -> None:
    assert crop_line(_page(), _quad(50, 20, 71, 51)).shape == (31, 21, 3)


def test_a_slanted_line_comes_out_level() -> None:
    page = np.full((200, 240, 3), 255, dtype=np.uint8)
    corners = np.array([[40, 60], [136, 32], [144, 60], [48, 88]], dtype=np.int16)
    rows, columns = np.mgrid[0:200, 0:240]
    # The stripe through the middle of the slanted line.
    offset = (columns - 44) * (32 - 60) / 96 + 74 - rows
    page[np.abs(offset) < 4] = 0
    crop = crop_line(page, corners)
    middle = crop.shape[0] // 2
    assert crop[middle, 10:-10].max() < 60
    assert crop[2, 10:-10].min() > 200


def test_beyond_the_page_its_edge_goes_on() -> None:
    crop = crop_line(_page(), _quad(200, 30, 260, 60))
    assert crop.shape == (30, 60, 3)
    assert set(crop[:, -10:, 0].ravel().tolist()) == {239}


def test_a_quad_without_height_holds_no_line() -> None:
    assert crop_line(_page(), _quad(20, 30, 120, 30)).size == 0


def test_tables_give_what_the_arithmetic_gives() -> None:
    image = np.random.default_rng(7).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    out = np.empty((3, 8, 9), dtype=np.float32)
    Normalizer.from_moments((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(image, out)
    blue = (image[:, :, 0] / 255 - 0.485) / 0.229
    red = (image[:, :, 2] / 255 - 0.406) / 0.225
    assert out[0] == pytest.approx(blue, abs=1e-5)
    assert out[2] == pytest.approx(red, abs=1e-5)


def test_recognition_sees_black_as_minus_one_and_white_as_one() -> None:
    image = np.array([[[0, 255, 128]]], dtype=np.uint8)
    canvas = np.zeros((3, 1, 4), dtype=np.float32)
    Normalizer.centred()(image, canvas[:, :, :1])
    assert canvas[:, 0, 0].tolist() == pytest.approx([-1, 1, 128 / 127.5 - 1], abs=1e-6)
    assert not canvas[:, :, 1:].any()
