"""Requests and replies of `POST /ocr`, as PaddleX's basic serving has them: older and newer shapes in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from pipelines.config.rules import LONGEST_SIDE

Fraction = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=1, le=LONGEST_SIDE)]
_OPTIONS: Final = (
    "use_doc_orientation_classify",
    "use_doc_unwarping",
    "use_textline_orientation",
    "text_det_limit_side_len",
    "text_det_limit_type",
    "text_det_thresh",
    "text_det_box_thresh",
    "text_det_unclip_ratio",
    "text_rec_score_thresh",
    "return_word_box",
)
# What upstream prunes, and what is said of a page for the queue's own sake.
_PRUNED: Final = frozenset({"input_path", "page_index"})
_OURS: Final = frozenset({"state", "reason", "cause", "mode", "generation", "pictures", "schema_version"})


class _Camel(BaseModel):
    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=to_camel, serialization_alias=to_camel),
        populate_by_name=True,
        frozen=True,
    )


class InferenceParams(_Camel):
    """Parameters as they were given at first."""

    max_long_side: Side | None = None


class OcrRequest(_Camel):
    """What is to be read, and how; what is left out, or null, is as the pipeline has it.

    Attributes:
        file: An address, or the bytes of a picture or PDF in base64.
        file_type: 0 for a PDF, 1 for a picture. What counts is the content.
        visualize: Whether the reply has pictures.
    """

    file: str = Field(min_length=1)
    file_type: Literal[0, 1] | None = None
    use_doc_orientation_classify: bool | None = None
    use_doc_unwarping: bool | None = None
    use_textline_orientation: bool | None = None
    text_det_limit_side_len: Side | None = None
    text_det_limit_type: Literal["max", "min"] | None = None
    text_det_thresh: Fraction | None = None
    text_det_box_thresh: Fraction | None = None
    text_det_unclip_ratio: Annotated[float, Field(ge=0, le=100)] | None = None
    text_rec_score_thresh: Fraction | None = None
    return_word_box: bool | None = None
    visualize: bool | None = None
    inference_params: InferenceParams | None = None

    @property
    def pictured(self) -> bool:
        """Whether the reply has pictures: unless it is said otherwise."""
        return self.visualize is not False

    def options(self) -> dict[str, Any]:
        """Return what is asked of the pipeline, by our own names."""
        found = {name: getattr(self, name) for name in _OPTIONS}
        side = self.inference_params.max_long_side if self.inference_params is not None else None
        if side is not None and self.text_det_limit_side_len is None:
            found |= {"text_det_limit_side_len": side, "text_det_limit_type": "max"}
        return {name: value for name, value in found.items() if value is not None}


class OcrText(_Camel):
    """A line, in the older shape."""

    poly: list[list[int]]
    text: str
    score: float


class OcrPage(_Camel):
    """A page as the newer shape has it, and `texts` and `image` of the older one. Pictures are JPEG."""

    pruned_result: dict[str, Any]
    ocr_image: str | None
    doc_preprocessing_image: str | None
    input_image: str | None
    texts: list[OcrText]
    image: str | None


class OcrSize(_Camel):
    """A page's size in pixels."""

    width: int
    height: int


class ImageData(OcrSize):
    """What the input was: a picture."""

    type: Literal["image"] = "image"


class PdfData(_Camel):
    """What the input was: a PDF, of which these pages were read."""

    type: Literal["pdf"] = "pdf"
    num_pages: int
    pages: list[OcrSize]


class OcrResult(_Camel):
    """The pages that were read."""

    ocr_results: list[OcrPage]
    data_info: ImageData | PdfData


class OcrReply(_Camel):
    """A reply to a request that was done."""

    log_id: str
    error_code: Literal[0] = 0
    error_msg: Literal["Success"] = "Success"
    result: OcrResult


class OcrError(_Camel):
    """A reply to a request that was not done; `errorCode` is the reply's status."""

    log_id: str
    error_code: int
    error_msg: str


def pruned(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page's JSON without where it came from."""
    found: dict[str, Any] = _without({key: value for key, value in content.items() if key not in _OURS})
    return found


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(part) for key, part in value.items() if key not in _PRUNED}
    return [_without(part) for part in value] if isinstance(value, list) else value
