"""Test loop that takes one model, loaded once, through all cells of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import get_dist_info, is_main_process
from mmengine.model import is_model_wrapper
from mmengine.registry import DATASETS
from mmengine.runner import BaseLoop, Runner

from mmfan.datasets.corrupted.lookup import CorruptedSet
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import Situation
from mmfan.evaluation.conditions.change import changed_by_truth
from mmfan.evaluation.conditions.works import Works, working
from mmfan.evaluation.judging.cells import CellRun
from mmfan.evaluation.judging.kept import cache_size, kept_or_none
from mmfan.evaluation.judging.outcome import conclude
from mmfan.evaluation.judging.places import writable
from mmfan.evaluation.judging.weather import protocol_with_weather
from mmfan.evaluation.loop.building import building
from mmfan.evaluation.loop.computing.computing import Computing
from mmfan.evaluation.loop.curves import Curves
from mmfan.evaluation.loop.flips import LoopFlips
from mmfan.evaluation.loop.identity.contents import contents_of
from mmfan.evaluation.loop.identity.run_key import guess_dataset_name, guess_model_name, run_key
from mmfan.evaluation.loop.loading.by_truth import TruthChanges
from mmfan.evaluation.loop.loading.corrupting import Change, CorruptPicture
from mmfan.evaluation.loop.loading.loader import build_sweep_loader, check_dataloader, needs_equal_sizes
from mmfan.evaluation.loop.loading.packing import pack_bytes, read_bytes
from mmfan.evaluation.loop.loading.picture_names import root_of_names
from mmfan.evaluation.loop.loading.stream import CellBatches, CellDataset
from mmfan.evaluation.loop.main_process import in_main_process, main_process_alone
from mmfan.evaluation.loop.passes import CellPasses
from mmfan.evaluation.loop.pictures import RunPictures
from mmfan.evaluation.loop.preflight.run import preflight
from mmfan.evaluation.loop.shown import ShownPictures
from mmfan.evaluation.loop.weather_sets import OtherPictures
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator, make_evaluator
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.recorded_protocol import protocol_entry
from mmfan.evaluation.results.store import Record, ResultsStore, RunKey
from mmfan.registry import LOOPS
from mmfan.utils.checks import whole_number

PACKAGES = ("torch", "numpy", "cv2", "mmengine")  # whose versions stand in a record


@LOOPS.register_module()
class RobustnessLoop(BaseLoop):
    """Judges a model on the clean pictures and on every cell of a protocol.

    In the place of mmengine's loops, around any model, dataset and metric of mmsegmentation or mmdetection::

        test_cfg = dict(type="mmfan.RobustnessLoop", protocol="kamann16", results="work_dirs/robustness.jsonl")
        test_evaluator = dict(_delete_=True, type="mmfan.RetentionEvaluator", metric=dict(type="IoUMetric"))

    (The evaluator may stay the metric it is: the loop wraps it.) The dataset stays the clean one; the loop corrupts
    its pictures in the loading processes, directly after they are decoded, with the seeds of
    ``mmfan corrupt``, or reads a corrupted set (``source='disk'``). Each finished cell is one line of
    ``results`` at once; a run that was killed goes on with the next cell. Under several processes each picture is
    judged exactly once.

    While training, on a small protocol and a part of the pictures, it tells which checkpoint to keep::

        val_cfg = dict(type="mmfan.RobustnessLoop", protocol=dict(corruptions=["fog"], severities=[3]), limit=50)
        default_hooks = dict(checkpoint=dict(save_best="corrupted/mIoU"))

    It returns, for each score ``S`` of the metric, ``clean/S``, ``corrupted/S`` (mean over the severities of a type,
    then over the types) and ``retention/S`` (their ratio), all fractions.

    Args:
        runner: The Runner.
        dataloader: Config of the dataloader; its sampler is replaced.
        evaluator: Config of :class:`mmfan.evaluation.metrics.evaluator.RetentionEvaluator`, or of a metric.
        protocol: Name of a protocol, or a dict that describes one (:func:`mmfan.evaluation.protocol.get_protocol`).
        results: The results file; None keeps nothing, and nothing can be resumed.
        seed: Base seed of the corruptions.
        limit: Judge this many pictures, spread evenly over the set; None for all.
        source: ``'fly'`` to corrupt while loading, ``'disk'`` to read a corrupted set.
        corrupted_root: The corrupted set, for ``source='disk'``.
        picture_root: The folder that names of pictures are relative to; found by the layouts of Cityscapes and COCO,
            else the folder of the dataset's pictures (``data_prefix``).
        name: Name of the model in the results; that of the config file by default.
        dataset_name: Name of the data set in the results; that of its class by default.
        pictures: Write this many pictures, with truth and predictions, beside the results; of each condition of weather
            as many.
        fp16: Mixed precision as mmengine's configs ask for it: float16, and bfloat16 on a CPU.
        precision: ``'fp32'``, ``'bf16'`` or ``'fp16'``, whatever ``fp16`` says; None for bfloat16 on a GPU that has it,
            but for models with mmcv's operators, and float32 else
            (:func:`mmfan.evaluation.loop.computing.precision.choose_precision`).
        windows: Sliding windows of mmsegmentation's segmentors in one forward pass, at most; None for 1 on a CPU and 16
            on a GPU (:class:`mmfan.evaluation.loop.computing.sliding.SlidingWindows`).
        cache: Memory for decoded pictures and label images, shared by the loading processes: a number of bytes, or a
            text such as ``'2GB'``; a quarter of what is free by default; 0 decodes anew for every cell. Of each process
            that judges.
        change: What a cell does to a picture, in the place of the corruption of its name: gets a sample whose picture
            was just loaded (``img``, BGR or grey, uint8; ``img_path``) and the cell, and returns the sample. It runs in
            the loading processes, so it must be picklable, and not for the clean pictures. If it has a method
            ``install(dataset, seed, root)``, that is called once before, with the built dataset, the base seed and the
            folder that names of pictures are relative to (or None), so that it can fit the pipelines to itself.
        adapt: Judge corruptions and weather with a model that adapts to them at test time: ``'bn'``, ``'tent'``,
            ``'sar'``, ``'cotta'`` or ``'memo'``, or a dict with that as ``name`` and settings, such as
            ``dict(name='bn', prior=16, reset='cell')`` (:mod:`mmfan.evaluation.conditions.adaptation`).
        flips: Count, too, the pixels that change class from one severity to the next (:mod:`..judging.flip_counter`);
            of segmentors.
        weather: Sets of real weather to judge as well (:func:`mmfan.evaluation.judging.weather.with_weather`): name of
            a set -> its root, ``dict(acdc='data/acdc')``, or of one's own its conditions, each with the config of a
            data set. ``protocol='clean'`` judges them alone.

    Raises:
        MMFanError: An argument is out of range or contradicts another one, or the dataset cannot be corrupted.
        FileNotFoundError: Corrupted pictures are missing.
        OSError: The results file cannot be written.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: Any,
        evaluator: Any,
        protocol: str | Mapping[str, Any] | Protocol = "kamann16",
        results: str | Path | None = None,
        seed: int = 0,
        limit: int | None = None,
        source: str = "fly",
        corrupted_root: str | Path | None = None,
        picture_root: str | Path | None = None,
        name: str | None = None,
        dataset_name: str | None = None,
        pictures: int = 0,
        fp16: bool = False,
        change: Change | None = None,
        precision: str | None = None,
        windows: int | None = None,
        cache: int | str | None = None,
        adapt: str | Mapping[str, Any] | None = None,
        flips: bool = False,
        weather: Mapping[str, Any] | None = None,
    ) -> None:
        wanted = protocol_with_weather(protocol, adapt, weather)
        check_dataloader(dataloader)
        _check_source(source, corrupted_root, change)
        size = whole_number("batch_size", dataloader.get("batch_size", 1), 1)
        rank, ranks = get_dist_info()
        self.protocol = wanted.whole(size, ranks)
        self.cells = self.protocol.judged
        self.flips = LoopFlips(self.cells) if flips else None
        self.seed = whole_number("seed", seed, 0)
        self.limit = None if limit is None else whole_number("limit", limit, 1)
        self.computing = Computing(runner.model, precision, fp16, windows, runner.cfg.get("compile"))
        cache_bytes = cache_size(cache)
        self.name = name or guess_model_name(runner)
        self.store = None if results is None else ResultsStore(writable(results) if is_main_process() else results)
        if whole_number("pictures", pictures, 0) and self.store is None:
            raise MMFanError("`pictures` are written beside the results: give `results` too.")
        self.dataset_config = dataloader["dataset"]
        with building("the `dataset` of the dataloader"):
            dataset = DATASETS.build(self.dataset_config)
            if hasattr(dataset, "full_init"):
                dataset.full_init()
            self.dataset_name = dataset_name or guess_dataset_name(dataset)
        with building("the evaluator"):
            self.evaluator = make_evaluator(evaluator)
            self.evaluator.dataset_meta = dataset.metainfo
        self.others = OtherPictures(
            self.cells, weather, self.dataset_config, dataset, (evaluator, self.evaluator), self.limit
        )
        with building("the `dataset` of the dataloader"):
            root = root_of_names(dataset) if picture_root is None else str(picture_root)
            self.kept = kept_or_none(2 * len(self.others.whole), cache_bytes, runner.logger)
            self.chosen = RunPictures(dataset, root, self.limit)
            self.disk: CorruptedSet | None = None
            if corrupted_root is not None:
                self.disk = self.chosen.corrupted_set(corrupted_root, self.seed, self.cells)
            self.shown: ShownPictures | None = None
            if pictures and self.store is not None:
                names = self.chosen.spread(pictures) | self.others.shown(pictures)
                self.shown = ShownPictures(self.store.path, self.name, dataset, names)
            wrapped = self._cells_of(dataset, change)
        self.clean_dataset, self._evaluator_config = dataset, evaluator
        self.alters, self.checked = change is not None, False
        if read_bytes(self.evaluator.metrics):
            pack_bytes(self.others.whole)  # now, for the dataloader takes a copy
        with building("the dataloader"):
            others = {number: one.numbers[rank::ranks] for number, one in self.others.sets.items()}
            batches = CellBatches(self.chosen.numbers[rank::ranks], size, range(len(self.cells)), others)
            loader = build_sweep_loader(
                runner, dataloader, wrapped, batches,
                equal_sizes=needs_equal_sizes(runner.model), pinned=self.computing.device.type == "cuda",
            )  # fmt: skip
            super().__init__(runner, loader)
        self.batches = batches
        runner.visualizer.dataset_meta = dataset.metainfo
        self.key: RunKey | None = None
        self.shares: dict[str, float] = {}
        self.progress: Callable[[int, int], None] | None = None  # told how many cells are done, and of how many

    def _cells_of(self, dataset: Any, change: Change | None) -> CellDataset:
        """The dataset, seen through the cells."""
        install = getattr(change, "install", None)
        if callable(install):  # now, for the dataloader takes a copy of both
            install(dataset, self.seed, self.chosen.root)
        change = CorruptPicture(self.seed, self.chosen.root) if change is None else change
        shown = frozenset(self.shown.names if self.shown is not None else ())
        chosen = self.chosen.numbers, self.chosen.names
        truths = TruthChanges(dataset, self.cells, *chosen, self.seed) if changed_by_truth(self.cells) else None
        return CellDataset(self.others.whole, self.cells, change, self.disk, shown, self.kept, truths)

    def run(self) -> dict[str, float]:
        """Judge the cells that are not in the results file yet.

        Returns:
            ``clean/S``, ``corrupted/S`` and ``retention/S`` for each score S.
        """
        # mmengine tells a loop nowhere else which of the two it is; the property would build the other one
        mode = "val" if self.runner._val_loop is self else "test"
        self.runner.call_hook(f"before_{mode}")
        self.runner.call_hook(f"before_{mode}_epoch")
        self.runner.model.eval()
        if mode == "val":
            self.computing.compile_options = None  # mmengine compiles what trains
        with self.computing.prepared():
            metrics = self._run(mode)
        self.runner.call_hook(f"after_{mode}_epoch", metrics=metrics)
        self.runner.call_hook(f"after_{mode}")
        return metrics

    def _run(self, mode: str) -> dict[str, float]:
        """The preflight, then the cells."""
        self.preflight(with_model=mode == "test")
        self.key = self.find_key(mode)
        if self.kept is not None:  # what was decoded before the contents were hashed may have been another content
            self.kept.clear()
        run = self._cell_run(self.key)
        passes = CellPasses(
            self.runner, mode, run, loader=self.dataloader, batches=self.batches, computing=self.computing,
            evaluators=self.evaluator_of, works=self.works(), shown=self.shown, flips=self.flips,
        )  # fmt: skip
        curves = Curves.of_runner(self.runner, mode)
        run.each = curves.add
        records = run.run(passes.begin, passes.judge, passes.skip, self.dataloader.num_workers)
        self.shares = run.seconds
        metrics = conclude(records, self.protocol, self.runner.logger)
        curves.conclude(metrics)
        return metrics

    def works(self) -> Works:
        """What the conditions do to the model; what cannot be done to it is said now."""
        if working(self.cells) and self.computing.compile_options is not None:
            raise MMFanError("A compiled model cannot be adapted or attacked while it is judged: leave `compile` out.")
        module = self.runner.model.module if is_model_wrapper(self.runner.model) else self.runner.model
        situation = Situation(
            module, batch_size=self.batches.batch_size, seed=self.seed,
            ignore_index=getattr(self.clean_dataset, "ignore_index", None), dataset=self.clean_dataset,
            names={**self.others.name_of_path, **self.chosen.name_of_path},
        )  # fmt: skip
        return Works(situation, self.cells)

    def _cell_run(self, key: RunKey) -> CellRun:
        return CellRun(
            self.cells, self.store, key, pictures=self.chosen.names, packages=PACKAGES, logger=self.runner.logger,
            more=self._more(), together=in_main_process, progress=self.progress,
            steps=None if self.flips is None else self.flips.steps,
            others={self.cells[number]: one.names for number, one in self.others.sets.items()},
        )  # fmt: skip

    def preflight(self, with_model: bool) -> None:
        """See in seconds that nothing will fail, or be wrong, after hours; once, in the main process.

        Args:
            with_model: The model has its weights, which are meant to give sensible scores.

        Raises:
            PreflightError: With everything that was found.
        """
        if self.checked:
            return
        self.works()  # what a condition cannot do to this model is seen at once
        with main_process_alone() as is_main:
            if is_main:
                self.runner.logger.info(preflight(self, with_model))
        self.checked = True

    def find_key(self, mode: str = "test") -> RunKey:
        """The key of this run; without a results file nothing is hashed. The weights must have been loaded."""
        if self.store is None:
            return RunKey(self.name, dataset=self.dataset_name, seed=self.seed)
        if self.others.sets:
            self.protocol = in_main_process(lambda: self.others.with_contents(self.protocol))
            self.cells = self.protocol.judged
        file = self.runner.cfg.get("load_from") if mode == "test" else None
        return in_main_process(
            lambda: run_key(
                self.runner,
                name=self.name,
                dataset=self.dataset_name,
                dataset_config=self.dataset_config,
                pictures=self.chosen.names,
                seed=self.seed,
                checkpoint=file if file is not None and Path(file).is_file() else None,
                contents=contents_of(
                    self.clean_dataset, self.chosen.numbers, self.chosen.names, self._evaluator_config, bool(self.flips)
                ),
                precision=self.computing.precision.name,
                **self.computing.changes,
                lossy_set=None if self.disk is None else self.disk.lossy,
            )
        )

    def resumed(self, key: RunKey) -> list[Record]:
        """Records of this run that are in the results file, of the cells wanted; the same in all processes."""
        return self._cell_run(key).resumed()

    def evaluator_of(self, number: int) -> RetentionEvaluator:
        """What scores the cell of a number."""
        return self.others.sets[number].evaluator if number in self.others.sets else self.evaluator

    def _more(self) -> dict[str, Any]:
        """What the records of this run have beside the scores."""
        more: dict[str, Any] = {"source": "fly" if self.disk is None else "disk"}
        more["protocol"] = protocol_entry(self.protocol)
        overlap = getattr(self.runner, "training_overlap", None)
        if overlap is not None:
            more["training_overlap"] = {key: overlap[key] for key in ("overlaps", "added", "unknown")}
        more |= self.computing.facts
        return more if self.limit is None else {**more, "limit": self.limit}


def _check_source(source: str, corrupted_root: str | Path | None, change: Change | None) -> None:
    if source not in ("fly", "disk") or (source == "disk") != (corrupted_root is not None):
        raise MMFanError(
            f"Expected source='fly', or source='disk' with `corrupted_root`, got source={source!r} and "
            f"corrupted_root={corrupted_root!r}."
        )
    if change is not None and source == "disk":
        raise MMFanError("Pictures are either read from a corrupted set (source='disk') or changed by `change`.")
