"""`pageline ocr`: the pipeline without the queue, with the flags of PaddleX's command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli import parameters as flag
from worker.cli.errors import CommandError, ExitCode, UsageError
from worker.cli.options import Engine, Pipeline, json_object, option, truth

INPUT_PANEL = "Documents"
Inputs = Annotated[
    list[str] | None, option("--input", "X", "An image, a PDF, a folder or a URL; may come more than once.")
]
SavePath = Annotated[
    Path | None, option("--save_path", "DIR", "Folder for JSON and pictures; without it, JSON is printed.")
]
Device = Annotated[
    str | None,
    option(
        "--device",
        "DEVICE",
        "cpu, gpu:0, npu:0 ...; without it, the first NVIDIA GPU that an engine reaches, else the CPU.",
    ),
]
EngineConfig = Annotated[
    str | None, option("--engine_config", "JSON", "Settings of the engine, e.g. '{\"threads\": 2}'.")
]
UseHpip = Annotated[
    bool, typer.Option("--use_hpip", help="Measure which installed engine is fastest here, and take that.")
]
Languages = Annotated[
    str | None,
    option("--languages", "LIST", "What the documents are written in, e.g. en,ja; lines choose among them."),
]
Pages = Annotated[
    str | None, option("--pages", "RANGE", 'Pages of each document, e.g. "1-3,7,10-".', INPUT_PANEL)
]
Password = Annotated[str | None, option("--password", "TEXT", "Password of encrypted PDFs.", INPUT_PANEL)]
PrivateUrls = Annotated[
    bool,
    typer.Option(
        "--private_urls",
        help="Read URLs of this machine and its networks too.",
        rich_help_panel=INPUT_PANEL,
    ),
]
Dpi = Annotated[float, option("--dpi", "N", "Resolution at which PDF pages are rendered.", INPUT_PANEL)]
GetConfig = Annotated[
    str | None,
    option("--get_pipeline_config", "NAME", "Write this pipeline's YAML into --save_path and end."),
]


def ocr(
    inputs: Inputs = None,
    pipeline: Pipeline = "OCR",
    save_path: SavePath = None,
    device: Device = None,
    engine: Engine = None,
    engine_config: EngineConfig = None,
    use_hpip: UseHpip = False,
    get_pipeline_config: GetConfig = None,
    languages: Languages = None,
    pages: Pages = None,
    password: Password = None,
    dpi: Dpi = 144,
    private_urls: PrivateUrls = False,
    use_doc_orientation_classify: flag.OrientationClassify = None,
    use_doc_unwarping: flag.Unwarping = None,
    use_textline_orientation: flag.TextlineOrientation = None,
    doc_orientation_thresh: flag.OrientationThresh = None,
    doc_unwarping_thresh: flag.UnwarpingThresh = None,
    textline_orientation_thresh: flag.TextlineThresh = None,
    text_det_limit_side_len: flag.LimitSideLen = None,
    text_det_limit_type: flag.LimitType = None,
    text_det_max_side_limit: flag.MaxSideLimit = None,
    text_det_thresh: flag.DetThresh = None,
    text_det_box_thresh: flag.BoxThresh = None,
    text_det_unclip_ratio: flag.UnclipRatio = None,
    text_rec_score_thresh: flag.ScoreThresh = None,
    return_word_box: flag.WordBox = None,
    text_layer: flag.TextLayer = None,
) -> None:
    """Read documents here and now, without the queue; the flags are PaddleX's.

    BOOL is one of the words True and False. Ends with 3 when some documents or pages could not be read.
    """
    if get_pipeline_config is not None:
        write_config(get_pipeline_config, save_path)
        return
    if not inputs or not all(inputs):
        raise UsageError("nothing to read: --input names an image, a PDF, a folder or a URL")
    creation = {
        "pipeline": pipeline,
        "device": device,
        "engine": engine,
        "engine_config": json_object(engine_config, flag="--engine_config"),
        "use_hpip": use_hpip,
        "languages": None if languages is None else [name.strip() for name in languages.split(",")],
    }
    parameters = {
        "use_doc_orientation_classify": truth(use_doc_orientation_classify),
        "use_doc_unwarping": truth(use_doc_unwarping),
        "use_textline_orientation": truth(use_textline_orientation),
        "doc_orientation_thresh": doc_orientation_thresh,
        "doc_unwarping_thresh": doc_unwarping_thresh,
        "textline_orientation_thresh": textline_orientation_thresh,
        "text_det_limit_side_len": text_det_limit_side_len,
        "text_det_limit_type": text_det_limit_type,
        "text_det_max_side_limit": text_det_max_side_limit,
        "text_det_thresh": text_det_thresh,
        "text_det_box_thresh": text_det_box_thresh,
        "text_det_unclip_ratio": text_det_unclip_ratio,
        "text_rec_score_thresh": text_rec_score_thresh,
        "return_word_box": truth(return_word_box),
        "text_layer": text_layer,
    }
    from worker.cli.reading import read_all  # noqa: PLC0415  -- brings the engines

    opening = {"pages": pages, "password": password, "dpi": dpi}
    if not read_all(inputs, save_path, creation, parameters, opening, private_urls=private_urls):
        raise typer.Exit(ExitCode.INCOMPLETE)


def write_config(name: str, save_path: Path | None) -> None:
    """Write a shipped pipeline's YAML to `save_path`, a folder or a `.yaml` file; without one, to stdout."""
    from pipelines.config.loading import config_text  # noqa: PLC0415  -- brings the YAML parser

    text = config_text(name)
    if save_path is None:
        typer.echo(text, nl=False)
        return
    path = save_path if save_path.suffix in {".yaml", ".yml"} else save_path / f"{name}.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
    typer.echo(str(path))
