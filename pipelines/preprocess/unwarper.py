"""Unwarping: UVDoc predicts where each point of the flat page lies on the bent one.

Verhoeven, Magne and Sorkine-Hornung, "UVDoc: Neural Grid-based Document Unwarping", SIGGRAPH Asia 2023. The
grid is upsampled to the page and the page sampled through it, both bilinear with corners on the centres of
corner pixels, as the authors do.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Array, Session
from pipelines.errors import WeightsError
from pipelines.models import ModelFiles, spec_of
from pipelines.read.pages import BgrImage

Grid = NDArray[np.float32]
"""(2, rows, columns): x and y in -1..1, where -1 and 1 are the centres of the first and last pixels."""

_STRIP = 1 << 20  # pixels whose sampling positions are held at once


class Unwarper:
    """Predicts grids with a network that is loaded at first use: most documents never need it."""

    def __init__(self, load: Callable[[], Session], files: ModelFiles) -> None:
        self._load = load
        self._loading = Lock()
        self._session: Session | None = None
        self._name = files.name
        self._size = _input_size(files)

    def shrink(self, page: BgrImage) -> BgrImage:
        """The page at the size the network sees it at, whatever its proportions."""
        return cv2.resize(page, self._size).astype(np.uint8, copy=False)

    def grid(self, small: BgrImage) -> Grid:
        """Where on the page each point of the flat one lies; `small` is what `shrink` gives.

        Raises:
            WeightsError: the network gives no grid.
            EngineError: the engine failed.
        """
        session = self._loaded()
        width, height = self._size
        batch = np.empty((1, 3, height, width), dtype=np.float32)
        np.divide(small[:, :, ::-1].transpose(2, 0, 1), np.float32(255), out=batch[0], dtype=np.float32)
        return self._checked(session.run(batch)[0])

    def _loaded(self) -> Session:
        with self._loading:
            if self._session is None:
                self._session = self._load()
            return self._session

    def _checked(self, output: Array) -> Grid:
        if output.ndim != 4 or output.shape[:2] != (1, 2) or min(output.shape[2:]) < 2:  # noqa: PLR2004  -- (batch, x and y, rows, columns)
            raise WeightsError(
                f"{self._name}: these weights give an array of shape {output.shape} in place of a grid; an "
                "export from image to image hides the grid that maps boxes back to the page"
            )
        return np.asarray(output[0], dtype=np.float32)


def sample(image: BgrImage, grid: Grid) -> BgrImage:
    """The flat page, of the same size: `image` (H, W, 3) taken at the places the grid names.

    Beyond the page its edge goes on. Works in strips, so that memory beside the page itself is bounded.
    """
    height, width = image.shape[:2]
    wide = [_stretched(axis, width) for axis in grid]
    flat = np.empty_like(image)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        part = np.arange(top, min(height, top + rows))
        x, y = (_rows(axis, part, height) for axis in wide)
        x, y = (x + 1) * ((width - 1) / 2), (y + 1) * ((height - 1) / 2)
        cv2.remap(
            image,
            x.astype(np.float32, copy=False),
            y.astype(np.float32, copy=False),
            cv2.INTER_LINEAR,
            dst=flat[part[0] : part[-1] + 1],
            borderMode=cv2.BORDER_REPLICATE,
        )
    return flat


def _stretched(axis: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """(rows, columns) to (rows, width), the first and last columns at the first and last pixels."""
    return _rows(np.ascontiguousarray(axis.T), np.arange(width), width).T


def _rows(values: NDArray[np.float32], wanted: NDArray[np.intp], size: int) -> NDArray[np.float32]:
    """The rows `wanted` of `values` as if it were stretched to `size` rows, linearly between."""
    places = wanted * ((len(values) - 1) / max(1, size - 1))
    first = np.minimum(places.astype(np.intp), len(values) - 2)
    share = (places - first).astype(np.float32)[:, np.newaxis]
    stretched: NDArray[np.float32] = values[first] * (1 - share) + values[first + 1] * share
    return stretched


def _input_size(files: ModelFiles) -> tuple[int, int]:
    _, height, width = spec_of(files.name).input_shape
    size = files.inference.resize or (width, height)
    if size[0] is None or size[1] is None:
        raise WeightsError(f"{files.name}: nothing says at what size pages enter this network")
    return size[0], size[1]
