from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from pipelines.preprocess.unwarper import sample
from pipelines.transform import PageTransform, turn

WIDTH, HEIGHT = 120, 80


def _page() -> np.ndarray:
    """A page whose blue channel says the column and whose green channel says the row."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)


def _curled(rows: int = 45, columns: int = 31) -> np.ndarray:
    """A grid that bends the page in both directions and leaves a margin around it."""
    y, x = np.meshgrid(np.linspace(-0.8, 0.8, rows), np.linspace(-0.85, 0.85, columns), indexing="ij")
    return np.stack([x + 0.04 * np.sin(2.5 * y), y + 0.07 * np.cos(3 * x)]).astype(np.float32)


@pytest.mark.parametrize(
    ("angle", "known"),
    [
        (0, {(0, 0): (0, 0), (30, 10): (30, 10), (WIDTH, HEIGHT): (WIDTH, HEIGHT)}),
        # Counter-clockwise, the right edge becomes the top one.
        (90, {(0, 0): (WIDTH, 0), (HEIGHT, 0): (WIDTH, HEIGHT), (0, WIDTH): (0, 0), (10, 30): (90, 10)}),
        (180, {(0, 0): (WIDTH, HEIGHT), (30, 10): (90, 70), (WIDTH, HEIGHT): (0, 0)}),
        (270, {(0, 0): (0, HEIGHT), (HEIGHT, 0): (0, 0), (0, WIDTH): (WIDTH, HEIGHT), (10, 30): (30, 70)}),
    ],
)
def test_known_points_of_a_turned_page(angle: int, known: dict[tuple[int, int], tuple[int, int]]) -> None:
    transform = PageTransform(angle, (WIDTH, HEIGHT))
    points = np.array(list(known), dtype=np.int16)
    assert transform.to_source(points).tolist() == [list(place) for place in known.values()]


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_box_of_the_turned_page_holds_the_same_pixels_on_the_source(angle: int) -> None:
    page = _page()
    turned = turn(page, angle)
    left, top, right, bottom = 13, 21, 34, 60
    corners = PageTransform(angle, (WIDTH, HEIGHT)).to_source(np.array([[left, top], [right, bottom]]))
    (x0, y0), (x1, y1) = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
    assert np.array_equal(turn(page[y0:y1, x0:x1], angle), turned[top:bottom, left:right])


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_dots_of_an_unwarped_page_are_found_again_on_the_source(angle: int) -> None:
    width, height = 900, 640
    centres = [(x, y) for x in range(150, 800, 90) for y in range(120, 560, 80)]
    page = np.zeros((height, width, 3), dtype=np.uint8)
    for number, (x, y) in enumerate(centres):
        page[y - 3 : y + 4, x - 3 : x + 4, number % 3] = 255
    transform = PageTransform(angle, (width, height), _curled())
    flat = sample(turn(page, angle), _curled())
    assert not np.array_equal(flat, turn(page, angle))
    dots = [dot for channel in range(3) for dot in _dots(flat[:, :, channel])]
    found = transform.to_source(np.array(dots))
    distances = np.linalg.norm(found[:, None] - (np.array(centres) + 0.5)[None], axis=2)
    assert len(dots) >= 40  # the grid's margin leaves some of the 48 out
    assert distances.min(axis=1).max() < 0.5
    assert len(set(distances.argmin(axis=1))) == len(dots)


def _dots(channel: np.ndarray) -> list[tuple[float, float]]:
    """The centres of mass of the spots that lie wholly inside."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((channel > 20).astype(np.uint8))
    dots = []
    for index in range(1, count):
        left, top, wide, high, _ = boxes[index]
        inside = left > 0 and top > 0 and left + wide < channel.shape[1] and top + high < channel.shape[0]
        if inside:
            weights = np.where(labels == index, channel, 0).astype(float)
            rows, columns = np.indices(channel.shape)
            dots.append(
                (
                    (weights * columns).sum() / weights.sum() + 0.5,
                    (weights * rows).sum() / weights.sum() + 0.5,
                )
            )
    return dots


def test_the_grid_that_changes_nothing_changes_nothing() -> None:
    y, x = np.meshgrid(np.linspace(-1, 1, 45), np.linspace(-1, 1, 31), indexing="ij")
    identity = np.stack([x, y]).astype(np.float32)
    assert np.abs(sample(_page(), identity).astype(int) - _page()).max() <= 1
    points = np.array([[0, 0], [WIDTH, HEIGHT], [33.3, 17.9], [0.5, 79.5]])
    back = PageTransform(0, (WIDTH, HEIGHT), identity).to_source(points)
    assert np.allclose(back, points, atol=1e-3)


def test_points_of_any_shape_are_mapped_and_clipped_to_the_page() -> None:
    transform = PageTransform(90, (WIDTH, HEIGHT))
    quads = np.array([[[[-5, -5], [500, 3], [1, 2], [3, 4]]]])
    mapped = transform.to_source(quads)
    assert mapped.shape == quads.shape
    assert mapped.dtype == np.float32
    assert mapped[0, 0].tolist() == [[120, 0], [117, 80], [118, 1], [116, 3]]
    assert transform.to_source(np.zeros((0, 4, 2))).shape == (0, 4, 2)


def test_what_is_described_is_enough_to_map_a_point_by_hand() -> None:
    transform = PageTransform(180, (WIDTH, HEIGHT), _curled(3, 3))
    told = json.loads(json.dumps(transform.describe()))
    assert (told["angle"], told["source_size"], told["unwarped"]) == (180, [WIDTH, HEIGHT], True)
    assert (told["grid"]["rows"], told["grid"]["columns"]) == (3, 3)
    # The centre of the read page lies on the middle node of the grid.
    x = (told["grid"]["x"][1][1] + 1) / 2 * (WIDTH - 1) + 0.5
    y = (told["grid"]["y"][1][1] + 1) / 2 * (HEIGHT - 1) + 0.5
    mapped = transform.to_source(np.array([WIDTH / 2, HEIGHT / 2]))
    assert mapped.tolist() == pytest.approx([WIDTH - x, HEIGHT - y], abs=1e-3)
    assert PageTransform(0, (WIDTH, HEIGHT)).describe()["grid"] is None


def test_beyond_the_page_an_unwarped_page_goes_on_as_its_edge() -> None:
    y, x = np.meshgrid(np.linspace(-1.5, 1, 45), np.linspace(-1, 1, 31), indexing="ij")
    flat = sample(_page(), np.stack([x, y]).astype(np.float32))
    assert set(flat[:10, :, 1].ravel().tolist()) == {0}
    assert np.array_equal(flat[0], _page()[0])


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    page = np.random.default_rng(3).integers(0, 256, (301, 257, 3)).astype(np.uint8)
    whole = sample(page, _curled())
    monkeypatch.setattr("pipelines.preprocess.unwarper._STRIP", 1000)
    assert np.array_equal(sample(page, _curled()), whole)


def test_a_page_is_turned_by_quarters_only() -> None:
    with pytest.raises(ValueError, match="not by 45"):
        PageTransform(45, (10, 10))
