"""What one page gives: texts, polygons and scores, as JSON and as a picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    from pipelines.preprocess import Preprocessed
    from pipelines.read import PageImage

_WRITABLE = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_WEBP_SIDE = 16_383  # pixels: the format has no more, and the picture is twice as wide as its page


class OCRResult(Mapping[str, Any]):
    """The result of one page; as upstream's, it is also a mapping of its fields.

    Attributes:
        page: the page it was read from.
        position: among the results of its call, from 0; names the files of what has no name.
        timings: seconds spent in each stage.
    """

    def __init__(self, res: Mapping[str, Any], page: PageImage, prepared: Preprocessed) -> None:
        self.position = 0
        self._res = dict(res)
        self._prepared = prepared
        self.page = page
        self.timings: dict[str, float] = self._res["timings"]

    def __getitem__(self, key: str) -> Any:
        """A field of the result, by its name in the JSON."""
        return self._res[key]

    def __iter__(self) -> Iterator[str]:
        """The fields' names."""
        return iter(self._res)

    def __len__(self) -> int:
        """How many fields there are."""
        return len(self._res)

    @property
    def json(self) -> dict[str, dict[str, Any]]:
        """`{"res": {...}}` with nothing in it but what JSON knows."""
        return {"res": json.loads(json.dumps(self._res))}

    @property
    def img(self) -> dict[str, Image]:
        """The result's pictures by name.

        `ocr_res_img` is the page as it was read with its polygons, beside it the texts in their places;
        `preprocessed_img`, there when preprocessing was switched on, is the page | turned | unwarped.
        """
        from pipelines.draw import draw_ocr_result, draw_preprocessed  # noqa: PLC0415  -- fonts load only when a picture is wanted

        res, prepared = self._res, self._prepared
        pictures = {
            "ocr_res_img": draw_ocr_result(
                prepared.image, res["rec_polys"], res["rec_texts"], res["rec_scores"]
            )
        }
        if "doc_preprocessor_res" in res:
            pictures["preprocessed_img"] = draw_preprocessed(
                self.page.image, prepared.rotated, prepared.image
            )
        return pictures

    @property
    def was_prepared(self) -> bool:
        """Whether the page was turned or unwarped before it was read."""
        return self._prepared.image is not self.page.image

    @property
    def stem(self) -> str:
        """How the page's files begin: its input's stem, for a page of a document with `_{page_index}`."""
        if self._res["input_path"] is None:
            return f"array_{self.position}"
        stem = Path(self._res["input_path"]).stem
        index = self._res["page_index"]
        return stem if index is None else f"{stem}_{index}"

    def print(
        self,
        format_json: bool = True,
        indent: int = 4,
        ensure_ascii: bool = False,
        json_format: bool | None = None,
    ) -> None:
        """Write the result to standard output.

        Args:
            format_json: as indented JSON; otherwise as one line.
            indent: of the JSON, spaces.
            ensure_ascii: write escapes for what is not ASCII.
            json_format: upstream's name for `format_json`; wins when given.
        """
        pretty = format_json if json_format is None else json_format
        body = {"res": self._res}
        text = json.dumps(body, indent=indent, ensure_ascii=ensure_ascii) if pretty else str(body)
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")

    def save_to_json(self, save_path: str | Path, indent: int = 4, ensure_ascii: bool = False) -> Path:
        """Write the inner object to `save_path` (a `.json` file, or a folder for `{stem}_res.json`)."""
        path = self._target(save_path, f"{self.stem}_res.json", {".json"})
        text = json.dumps(self._res, indent=indent, ensure_ascii=ensure_ascii)
        # A file's name may hold bytes that are no UTF-8; as escapes they are JSON that gives them back.
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
        return path

    def save_to_img(self, save_path: str | Path) -> list[Path]:
        """Draw the pictures into `save_path` (a picture's path, or a folder for `{stem}_{name}.{ext}`)."""
        suffix = Path(self._res["input_path"] or "").suffix.lower()
        suffix = suffix if suffix in _WRITABLE else ".png"
        written = []
        for name, picture in self.img.items():
            kind = ".png" if suffix == ".webp" and max(picture.size) > _WEBP_SIDE else suffix
            path = self._target(save_path, f"{self.stem}_{name}{kind}", _WRITABLE)
            if path in written:  # a path for one picture: the others stand beside it
                path = path.with_name(f"{path.stem}_{name}{path.suffix}")
            picture.save(path)
            written.append(path)
        return written

    def save_all(self, save_path: str | Path) -> None:
        """Write the JSON and the pictures into the folder `save_path`."""
        Path(save_path).mkdir(parents=True, exist_ok=True)
        self.save_to_json(save_path)
        self.save_to_img(save_path)

    @staticmethod
    def _target(save_path: str | Path, name: str, suffixes: set[str]) -> Path:
        path = Path(save_path)
        if path.suffix.lower() not in suffixes or path.is_dir():
            path = path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
