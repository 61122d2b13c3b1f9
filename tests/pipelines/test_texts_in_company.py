"""What a line or a page reads as never depends on what is read with it: texts to the byte, scores to 1e-5."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from real_lines import drawn_line, real_recognizer
from services import absent

from pipelines import create_pipeline
from pipelines.decoding import ReadLine
from pipelines.errors import WeightsError
from pipelines.multilingual import MultilingualRecognizer
from pipelines.recognition import TextRecognizer
from pipelines.result import OCRResult
from pipelines.selfcheck import known_page

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TEXTS = (
    "Total 1,385.60",
    "The quick brown fox jumps over the lazy dog and runs away",
    "增值税专用发票",
    "8",
    "paid by bank transfer",
    "キャンセルの場合",
    "Invoice No. 20417",
    "A line that is wide enough to leave the buckets of the narrow ones behind it",
    "人工智能技术的发展与应用第二版",
)


@pytest.fixture(scope="module", params=["openvino", "onnxruntime"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def readers(engine: str) -> dict[str, TextRecognizer | MultilingualRecognizer]:
    main = real_recognizer("PP-OCRv4_mobile_rec", engine)
    return {
        "one": main,
        "several": MultilingualRecognizer(main, [real_recognizer("PP-OCRv6_small_rec", engine)]),
    }


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    """Nine texts at two sizes, some of them noisy: what is uncertain is what company would change."""
    noise = np.random.default_rng(11)
    pictures = [drawn_line(text, size)[0] for size in (18, 40) for text in TEXTS]
    for at in range(0, len(pictures), 3):
        grain = noise.normal(0, 40, pictures[at].shape)
        pictures[at] = np.clip(pictures[at] + grain, 0, 255).astype(np.uint8)
    return pictures


def _assert_alike(lines: Sequence[ReadLine], others: Sequence[ReadLine]) -> None:
    assert [line.text.encode() for line in lines] == [other.text.encode() for other in others]
    assert [(line.model, line.columns) for line in lines] == [
        (other.model, other.columns) for other in others
    ]
    for line, other in zip(lines, others, strict=True):
        assert line.score == pytest.approx(other.score, abs=1e-5)
        assert line.scores == pytest.approx(other.scores, abs=1e-5)


@pytest.mark.parametrize("which", ["one", "several"])
def test_a_line_reads_the_same_shuffled_and_in_other_company(
    which: str, crops: list[np.ndarray], readers: dict[str, TextRecognizer | MultilingualRecognizer]
) -> None:
    recognizer = readers[which]
    together = recognizer.read(crops)
    assert sum(bool(line.text) for line in together) == len(crops)
    shuffled = np.random.default_rng(7).permutation(len(crops)).tolist()
    _assert_alike(recognizer.read([crops[at] for at in shuffled]), [together[at] for at in shuffled])
    few = shuffled[:5]
    _assert_alike(recognizer.read([crops[at] for at in few]), [together[at] for at in few])
    # Seven more of its own width, all of them noise, beside each of three lines.
    for at in few[:3]:
        company = [np.roll(255 - crops[at], shift, axis=1) for shift in range(1, 8)]
        _assert_alike(recognizer.read([*company[:4], crops[at], *company[4:]])[4:5], [together[at]])
    _assert_alike([recognizer.read([crops[at]])[0] for at in few], [together[at] for at in few])


def _told(results: Sequence[OCRResult]) -> list[tuple[list[bytes], list[float], list[object]]]:
    return [
        ([text.encode() for text in res["rec_texts"]], res["rec_scores"], res["rec_polys"]) for res in results
    ]


def test_a_page_reads_the_same_whatever_was_read_before_it(engine: str) -> None:
    try:
        pipeline = create_pipeline(
            "OCR", engine=engine, engine_config={"threads": 2}, use_doc_unwarping=False
        )
    except WeightsError as error:
        absent(str(error))
    pages = [known_page(), EXAMPLES / "receipt.jpg", EXAMPLES / "notice-zh.png"]
    first = _told(list(pipeline.predict(pages)))
    assert all(texts for texts, _, _ in first)
    order = [2, 0]
    again = _told(list(pipeline.predict([pages[at] for at in order])))
    for at, (texts, scores, polys) in zip(order, again, strict=True):
        assert texts == first[at][0]
        assert scores == pytest.approx(first[at][1], abs=1e-5)
        assert polys == first[at][2]
