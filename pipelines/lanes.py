"""The engine in use, on each device of a pipeline: chosen, equipped and loaded."""

from __future__ import annotations

import logging
from threading import RLock
from time import perf_counter

from pipelines.blueprint import Blueprint
from pipelines.config.options import CallOptions
from pipelines.devices import Device
from pipelines.engines.batching import Batcher, pages_for
from pipelines.engines.fastest import rank, timed
from pipelines.equipment import Equipment, equip
from pipelines.errors import DeviceUnavailable, EngineError, PipelineError, SelfCheckError, WeightsError
from pipelines.heap import trim_heap
from pipelines.read import PageImage
from pipelines.reading import PageReading, read_page
from pipelines.stages import Stages, load
from pipelines.warmup import WarmReport, check_stages, warm_shapes

_log = logging.getLogger(__name__)

# What makes an engine of our own choosing give way to the next.
_PASSED_OVER = (EngineError, DeviceUnavailable, WeightsError, SelfCheckError)
# Pages between two handings back of the heap's holes: what is handed back has to be fetched again, which
# after every page took a twentieth to a tenth of the time of reading it.
_TRIMMED_AFTER = 8


class Lane:
    """One device with its networks, which are loaded at the first page.

    Pages go through one by one, or where the device has the memory for several, side by side in batches.

    Attributes:
        batcher: what makes batches; None where there are none.
    """

    def __init__(self, blueprint: Blueprint, equipment: Equipment) -> None:
        self.equipment = equipment
        engine = equipment.engine
        pages = blueprint.settings.batch or pages_for(engine.memory())
        self.batcher = Batcher(str(engine.device), pages) if pages > 1 else None
        self._blueprint = blueprint
        self._stages: Stages | None = None
        self._read = 0
        self._lock = RLock()

    @property
    def device(self) -> Device:
        """Where it runs."""
        return self.equipment.engine.device

    @property
    def pages_at_once(self) -> int:
        """How many threads may `read` at once with profit."""
        return 1 if self.batcher is None else self.batcher.pages

    def load(self) -> Stages:
        """The loaded networks; an engine of our own choosing must read the known page first."""
        with self._lock:
            if self._stages is None:
                stages = load(self._blueprint, self.equipment, self.batcher)
                if self._blueprint.chosen_by != "named":
                    check_stages(stages, self.equipment)
                self._stages = stages
            return self._stages

    def warm_up(self) -> WarmReport:
        """See `OCRPipeline.warm_up`."""
        start = perf_counter()
        with self._lock:
            stages, engine = self.load(), self.equipment.engine
            shapes = warm_shapes(stages, self.equipment, self.batcher)
            alike = check_stages(stages, self.equipment)
        return WarmReport(engine.name, engine.precision, perf_counter() - start, shapes, alike)

    def read(self, page: PageImage, options: CallOptions) -> PageReading:
        """Read one page."""
        if self.batcher is not None:
            return read_page(self.load(), page, options)
        with self._lock:
            reading = read_page(self.load(), page, options)
            self._read += 1
            if self._read % _TRIMMED_AFTER == 0:
                trim_heap()
            return reading


class Lanes:
    """A lane for each device, all with one engine: the first that can be had, or the fastest."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._lock = RLock()
        self._measured: dict[str, float] = {}
        self._refused: PipelineError | None = None  # why the first engine could not be had
        self._engines_left = self._ranked() if blueprint.chosen_by == "measured" else list(blueprint.engines)
        self._lanes = self._next()
        self._loaded = False

    @property
    def equipment(self) -> Equipment:
        """The engine and its weights; those of the first device where there are several."""
        return self._lanes[0].equipment

    @property
    def lanes(self) -> list[Lane]:
        """One for each device, loaded or not."""
        return self._lanes

    @property
    def measured(self) -> dict[str, float]:
        """Seconds each engine took for the known page and the usual shapes, where they were measured."""
        return self._measured

    def ready(self) -> list[Lane]:
        """The lanes, all of them loaded.

        Raises:
            EngineError, SelfCheckError: when no engine that was to be tried can be used.
        """
        with self._lock:
            while not self._loaded:
                try:
                    for lane in self._lanes:
                        lane.load()
                    self._loaded = True
                except _PASSED_OVER as error:
                    self._pass_over(self.equipment.engine.name, error)
                    self._lanes = self._next()
            return self._lanes

    def _next(self) -> list[Lane]:
        while True:
            name = self._engines_left.pop(0)
            try:
                return [self._lane(name, device) for device in self._blueprint.device.each]
            except _PASSED_OVER as error:
                self._pass_over(name, error)

    def _lane(self, name: str, device: Device) -> Lane:
        return Lane(self._blueprint, equip(self._blueprint, name, device))

    def _pass_over(self, name: str, error: PipelineError) -> None:
        self._refused = self._refused or error
        if not self._engines_left:
            raise self._refused  # those after it are makeshifts: what they lack would help nobody
        _log.warning("engine %s is passed over: %s", name, error)

    def _ranked(self) -> list[str]:
        plan = self._blueprint
        key = f"{plan.digest} {plan.device} {plan.settings} {plan.engines}"
        self._measured = rank(plan.engines, self._seconds, key=key).seconds
        return list(self._measured)

    def _seconds(self, name: str) -> float:
        lane = self._lane(name, self._blueprint.device.each[0])
        stages, equipment = lane.load(), lane.equipment

        def work() -> None:
            warm_shapes(stages, equipment, lane.batcher)
            check_stages(stages, equipment)

        return timed(work)
