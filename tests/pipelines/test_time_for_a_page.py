"""A page that takes longer than it may is given up between two steps."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines import create_pipeline
from pipelines.errors import TookTooLong
from pipelines.read import PageImage, iter_inputs


def page() -> PageImage:
    picture = Image.new("RGB", (160, 60), "white")
    ImageDraw.Draw(picture).text((10, 20), "A line", fill="black", font_size=16)
    (found,) = iter_inputs(np.asarray(picture))
    return found


def test_a_page_without_time_left_is_given_up() -> None:
    pipeline = create_pipeline("OCR", engine="fake")
    with pytest.raises(TookTooLong, match="the time for the page was over before detection"):
        list(pipeline.predict(replace(page(), until=time.monotonic() - 1)))


def test_a_page_with_time_left_is_read_as_ever() -> None:
    pipeline = create_pipeline("OCR", engine="fake")
    (hurried,) = pipeline.predict(replace(page(), until=time.monotonic() + 3600))
    (plain,) = pipeline.predict(page())
    assert hurried.json["res"]["rec_texts"] == plain.json["res"]["rec_texts"] != []
