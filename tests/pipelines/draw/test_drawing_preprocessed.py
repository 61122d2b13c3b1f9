"""The picture of the steps before reading: source, turned, unwarped."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from pipelines.draw import draw_preprocessed

Array = np.ndarray[Any, Any]
BLUE, GREEN, RED = (255, 0, 0), (0, 255, 0), (0, 0, 255)  # BGR


def sheet(height: int, width: int, colour: tuple[int, int, int]) -> Array:
    return np.full((height, width, 3), colour, np.uint8)


def test_the_steps_stand_side_by_side_in_their_colours() -> None:
    steps = sheet(100, 60, BLUE), sheet(60, 100, GREEN), sheet(50, 80, RED)
    picture = draw_preprocessed(*steps)
    assert (picture.size, picture.mode) == ((240, 100), "RGB")
    drawn = np.asarray(picture)
    for left, (height, width), colour in ((0, (100, 60), BLUE), (60, (60, 100), GREEN), (160, (50, 80), RED)):
        assert (drawn[:height, left : left + width] == colour[::-1]).all()
        assert (drawn[height:, left : left + width] == 225).all()
    assert (steps[0] == BLUE).all()


def test_large_pages_share_one_smaller_scale() -> None:
    picture = draw_preprocessed(
        sheet(400, 200, BLUE), sheet(200, 400, GREEN), sheet(200, 400, RED), max_megapixels=0.04
    )
    assert picture.width * picture.height <= 0.12e6
    drawn = np.asarray(picture)
    assert abs(drawn.shape[1] / drawn.shape[0] - 1000 / 400) < 0.01
    assert drawn[2, drawn.shape[1] // 2].tolist() == [0, 255, 0]
    assert (drawn[drawn.shape[0] // 2 + 2 :, drawn.shape[1] // 4 :] == 225).all()


def test_three_very_wide_pages_still_make_a_jpeg() -> None:
    picture = draw_preprocessed(*[sheet(2, 32_000, BLUE)] * 3)
    picture.save(file := io.BytesIO(), "JPEG")
    assert Image.open(file).width == picture.width > 60_000


def test_a_page_of_one_pixel_is_a_page() -> None:
    assert draw_preprocessed(sheet(1, 1, BLUE), sheet(1, 1, BLUE), sheet(1, 1, RED)).size == (3, 1)
