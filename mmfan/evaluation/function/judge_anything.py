"""``judge``: anything that predicts, judged on the clean pictures and on every cell of a protocol."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.conditions import is_continual
from mmfan.evaluation.conditions.change import refuse_without_labels
from mmfan.evaluation.function.driver import Caller, Driver
from mmfan.evaluation.function.preflight import Planned, preflight
from mmfan.evaluation.function.probe import OtherModelError, differing
from mmfan.evaluation.function.result import Judgement, in_order
from mmfan.evaluation.function.scoring.scoring import Scores, scores_of
from mmfan.evaluation.function.shown import Shown
from mmfan.evaluation.function.sources.classes import ClassificationData
from mmfan.evaluation.function.sources.items import Preparation
from mmfan.evaluation.function.sources.sources import Chosen, Data, SegmentationData
from mmfan.evaluation.function.stream import AHEAD, Workers, workers_beside_model
from mmfan.evaluation.function.weather_data import other_pictures, weather_data, with_contents
from mmfan.evaluation.judging.cells import CellRun
from mmfan.evaluation.judging.contents import hash_contents
from mmfan.evaluation.judging.flip_counter import FlipCounter
from mmfan.evaluation.judging.kept import cache_size, kept_or_none
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.judging.places import writable
from mmfan.evaluation.judging.weather import shown_names, with_weather
from mmfan.evaluation.protocol import Protocol, get_protocol, under_adaptation
from mmfan.evaluation.protocol.named import CLEAN_ONLY
from mmfan.evaluation.results.hashes import pictures_hash
from mmfan.evaluation.results.recorded_protocol import protocol_entry
from mmfan.evaluation.results.store import Record, ResultsStore, RunKey, key_of
from mmfan.utils.checks import whole_number
from mmfan.utils.processes.shards import WHOLE, Shard, parse_shard
from mmfan.utils.text import counted

PACKAGES = ("numpy", "cv2")  # whose versions stand in a record
LOGGER = logging.getLogger("mmfan.judge")


def judge(
    predict: Callable[..., Any],
    data: Data,
    protocol: str | Mapping[str, Any] | Protocol = "kamann16",
    results: str | Path | None = None,
    name: str = "model",
    *,
    dataset_name: str | None = None,
    version: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    workers: int | None = None,
    batch_size: int = 1,
    shard: tuple[int, int] | str | None = None,
    pictures: int = 0,
    verbose: bool = True,
    cache: int | str | None = None,
    adapt: str | Mapping[str, Any] | None = None,
    calibration: bool | str = False,
    flips: bool = False,
    weather: Mapping[str, Any] | None = None,
) -> Judgement:
    """Judge anything that predicts on the clean pictures and on every cell of a protocol.

    Pictures are read and corrupted by worker processes while ``predict`` is at work, with the seeds and the bytes of
    ``mmfan corrupt`` and ``mmfan judge``; what was decoded once is kept in memory for the cells that follow. Each
    finished cell is one line of ``results`` at once: killed and called again, it goes on with the next cell. Before the
    first cell a preflight looks at all files and calls ``predict`` once, with one clean picture, so that what would
    fail after an hour fails now.

    A results file may hold many models. A run is known by ``name``, ``version``, the data's bytes and truth, the seed
    and the pictures chosen. A callable cannot be hashed: give ``version`` (a checkpoint's hash, a tag), and cells of
    another one are never taken over. Without it, the model is known again by what it says of the picture tried: if that
    is something else than the records tell, judging ends with an error.

    Several processes share the work by ``shard=(i, n)``: each judges every n-th cell, from the i-th on, on all
    pictures, so that every record is whole. They may write to one results file, or to one each, which are put together
    by appending the one to the other (with the folders of their counts). The result of the one that ends last, or of
    one more call without ``shard``, is over all cells; before that its ``missing`` says which are not there.

    Args:
        predict: Gets one picture, (H, W, 3) RGB of uint8; with ``batch_size`` above 1 a list of them, and returns a
            list. Of each it returns, for :class:`SegmentationData`, a label map (H, W) of integers or
            probabilities (C, H, W) of floats; for :class:`CocoData`, a dict or object with ``xyxy`` (or ``boxes``,
            (N, 4), left, top, right, bottom in pixels), ``scores`` (N,), ``labels`` (N,), the places of the classes in
            ``data.classes``, and perhaps ``masks`` (N, H, W); for :class:`ClassificationData` logits or
            probabilities (K,) of floats, of the data's classes or of its ``outputs``.
        data: :class:`SegmentationData`, :class:`CocoData` or :class:`ClassificationData`.
        protocol: As in :func:`mmfan.evaluation.protocol.get_protocol`; or ``'clean'``, the clean pictures alone.
        results: The results file; None keeps nothing, and nothing can be resumed.
        name: Name of the model in the results.
        dataset_name: Name of the data set in the results; that of ``data`` by default.
        version: What tells this model from others of its name, any text.
        seed: Base seed of the corruptions.
        limit: Judge this many pictures, spread evenly over the set; None for all.
        workers: Processes that make pictures ready, with one thread each; by default one a core, but one; 0 does it in
            this process. Nothing is set in this process: where ``predict`` computes on the CPU, its threads and the
            workers share the cores; ``OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=3000`` in the environment, before torch is
            imported, keeps threads that wait from taking time from the others.
        batch_size: Pictures that ``predict`` gets at a time.
        shard: ``(i, n)`` or ``'i/n'``, i from 1 to n.
        pictures: Keep this many pictures, with truth and predictions, beside the results (needs matplotlib); of each
            condition of weather as many.
        verbose: Write a line on each cell to standard error, unless the logger ``mmfan.judge`` has handlers.
        cache: Memory for decoded pictures and truths: a number of bytes, or a text such as ``'2GB'``; a quarter of what
            is free by default; 0 decodes anew for every cell. What has no room is decoded anew.
        adapt: Judge corruptions and real weather with a model that adapts to them at test time: the name of an
            adaptation, or a dict with its ``name`` and settings. ``predict`` must then be a module of torch, as
            :class:`mmfan.adapters.TorchSegmentor` has it: a bare function has no layers that adapt. The same holds of
            other conditions of a protocol that work on a model.
        calibration: Say too whether the model knows when it is wrong (:mod:`mmfan.evaluation.metrics.calibration`). A
            segmentor must then return probabilities, (C, H, W), or logits with ``calibration='logits'``.
        flips: Count, too, the pixels that change class from one severity to the next
            (:mod:`mmfan.evaluation.judging.flip_counter`); of segmentors.
        weather: Sets of real weather to judge as well, each condition on pictures of its own: name of a set -> its
            root, ``{"acdc": "data/acdc"}``; or of a set of one's own its conditions, ``{"mine": {"fog":
            SegmentationData(...)}}``. Those whose conditions the protocol names are judged in these, others in all;
            ``protocol='clean'`` judges them alone, beside the clean pictures that they are held against.

    Returns:
        Clean score, corrupted score, retention, the worst type and cell, summaries, and the report.

    Raises:
        MMFanError: An argument is out of range; the preflight found something (``PreflightError`` lists all of it);
            ``predict`` raised an error (``PredictError``) or returned what cannot be scored (``PredictionError``), both
            naming cell and picture; the results file holds another model (``OtherModelError``); a condition cannot be
            done to this model (``NotToModelError``). Finished cells stay.
        FileNotFoundError: A file is not there.
        OSError: The results file cannot be written.
    """
    if not callable(predict):
        raise WrongTypeError(f"Expected `predict` to be a function of a picture, got {type(predict).__name__}.")
    _check_texts(name=name, dataset_name=dataset_name, version=version)
    wanted = CLEAN_ONLY if protocol == CLEAN_ONLY.name else get_protocol(protocol)
    scores, seed = scores_of(data, calibration, flips), whole_number("seed", seed, 0)
    caller = Caller(predict, whole_number("batch_size", batch_size, 1), scores)
    adapted = wanted if adapt is None or (weather and not wanted.cells) else under_adaptation(wanted, adapt)
    wanted = with_weather(adapted, weather, adapt).whole(caller.batch_size)
    caller.prepare_works(wanted.cells, seed)
    refuse_without_labels(wanted.cells, isinstance(data, SegmentationData), f"the pictures of {data.name}")
    part, shown = _shard_of(shard), whole_number("pictures", pictures, 0)
    if results is None and (part != WHOLE or shown):
        raise MMFanError("`shard` and `pictures` need a results file: give `results` too.")
    if part != WHOLE and any(map(is_continual, wanted.cells)):
        raise MMFanError("With reset 'never' each cell goes on from the one before: leave `shard` out.")
    if part != WHOLE and flips:
        raise MMFanError("Flips compare each cell with the one a severity below: leave `shard` out.")
    cells = tuple(part.part_of(wanted.judged))
    if not cells:
        raise MMFanError(f"Shard {part} has no cell: {wanted.name} has {len(wanted.judged)}, the clean one among them.")
    count = workers_beside_model() if workers is None else whole_number("workers", workers, 0)
    limit = None if limit is None else whole_number("limit", limit, 1)
    items = Chosen(data, spread(len(data), limit))
    others = other_pictures(weather_data(wanted.judged, weather, data), len(items), limit, scores, calibration)
    preparation = _preparation(data, seed)
    size = cache_size(cache)
    kept = [items.names[at] for at in spread(len(items), shown)] if shown else []
    file = None if results is None else writable(results)
    with told(verbose):
        planned = Planned(caller, cells, items, preparation, file, kept, LOGGER, others)
        probe = preflight(planned)
        store = None if file is None else ResultsStore(file)
        if store is not None and others:
            wanted, others = with_contents(wanted, others)
            cells = tuple(part.part_of(wanted.judged))
            planned = planned._replace(cells=cells, others=others)
        key = _key(name, dataset_name or data.name, version, seed, items, scores, store)
        more: dict[str, Any] = {**_source(data), "protocol": protocol_entry(wanted), "probe": probe}
        more |= {} if limit is None else {"limit": limit}
        counter = FlipCounter(cells) if flips else None
        run = CellRun(
            cells, store, key, pictures=items.names, packages=PACKAGES, logger=LOGGER, more=more,
            steps=None if counter is None else counter.steps,
            others={cell: chosen.names for cell, (chosen, _) in others.items()},
        )  # fmt: skip
        whole = CellRun(wanted.judged, store, key, pictures=items.names, packages=PACKAGES, logger=LOGGER)
        _check_model(whole, probe, scores.tolerance, version)
        records = _judge_cells(planned, run, name, count, size, counter)
        if part != WHOLE:  # the others' cells, as far as they are there
            records = whole.resumed(quietly=True)
        metric = next(iter(records[0]["metrics"]))
        found = Judgement(in_order(records, wanted), wanted, metric, key, file, run.seconds)
        _say_end(found)
    return found


def _preparation(data: Data, seed: int) -> Preparation:
    if isinstance(data, ClassificationData):
        return Preparation(seed, None, form=data.form)
    return Preparation(seed, data.reading if isinstance(data, SegmentationData) else None)


def _source(data: Data) -> dict[str, Any]:
    """Where the corrupted pictures come from, for the records."""
    if not isinstance(data, ClassificationData):
        return {"source": "fly"}
    form = data.form.to_dict()
    return {"source": "fly" if data.stored is None else "stored", **({"form": form} if form else {})}


def _judge_cells(
    planned: Planned, run: CellRun, name: str, workers: int, cache: int, flips: FlipCounter | None
) -> list[Record]:
    """Take the cells that are not there yet through the model."""
    caller, cells, items = planned.caller, planned.cells, planned.items
    # from here on, when the contents have been hashed: what changes on disk meanwhile is not judged in some cells alone
    total = len(items) + sum(len(chosen) for chosen, _ in planned.others.values())
    preparation = replace(planned.preparation, kept=kept_or_none(2 * total, cache, LOGGER))
    shown = None
    if planned.shown and planned.results:
        more = {
            cell: {chosen.names[at]: told for at, told in shown_names(cell, chosen.names, len(planned.shown)).items()}
            for cell, (chosen, _) in planned.others.items()
        }
        shown = Shown(planned.results, name, planned.shown, caller.scores, more)
    with Workers(preparation, cells, workers, AHEAD * workers + caller.batch_size) as ready:
        driver = Driver(caller, cells, items, planned.others, ready, shown, LOGGER, flips)
        return run.run(driver.begin, lambda number, _: driver.judge(number, run.shares), driver.skip, workers)


def _check_texts(**texts: Any) -> None:
    for what, text in texts.items():
        if text is None and what != "name":
            continue
        if not isinstance(text, str) or not text:
            raise WrongTypeError(f"Expected `{what}` to be a text that is not empty, got {text!r:.80}.")


def _shard_of(shard: tuple[int, int] | str | None) -> Shard:
    if shard is None:
        return WHOLE
    if isinstance(shard, str):
        return parse_shard(shard)
    if not isinstance(shard, tuple) or len(shard) != 2:
        raise WrongTypeError(f"Expected `shard` as (i, n) or 'i/n', got {shard!r:.80}.")
    number, total = (whole_number("shard", one, 1) for one in shard)
    return parse_shard(f"{number}/{total}")


def _key(
    name: str, dataset: str, version: str | None, seed: int, items: Chosen, scores: Scores, store: ResultsStore | None
) -> RunKey:  # fmt: skip
    """What the records have in common; without a results file nothing is hashed."""
    if store is None:
        return RunKey(name, checkpoint_hash=version, dataset=dataset, seed=seed)
    contents = hash_contents(items.names, items.held, items.data.files(), scores.hash)
    return RunKey(
        name,
        None,
        version,
        dataset,
        seed,
        pictures_hash(items.names),
        contents.pictures,
        contents.truth,
        contents.metric,
    )


def _check_model(run: CellRun, probe: Mapping[str, Any], tolerance: float, version: str | None) -> None:
    """See that cells which would be taken over are of this model, as far as that can be seen."""
    others = differing(run.resumed(quietly=True), probe, tolerance)
    if not others:
        return
    told = (
        f"{run.store and run.store.path} holds {counted(len(others), 'cell')} of {run.key.model!r}, whose prediction "
        f"for the picture {probe['picture']} was another one"
    )
    if version is None:
        raise OtherModelError(
            f"{told}: they are of another model, or of one that does not say the same twice. Take another name or "
            "another results file, or say by `version` which model this is."
        )
    LOGGER.warning(f"{told}; they are taken over, for they are of the same version, {version!r}.")


def _say_end(found: Judgement) -> None:
    if found.missing:
        total = len(found.protocol.judged)
        LOGGER.info(f"{counted(len(found.missing), 'cell')} of {total} are not there yet: those of other shards.")
    if any(key_of(record)[1] in found.protocol.cells for record in found.records):
        LOGGER.info(str(found))
    elif found.protocol == CLEAN_ONLY:
        LOGGER.info(f"{found.key.model} on {found.key.dataset}: {found.metric} clean {100 * (found.clean or 0):.2f} %")


@contextmanager
def told(verbose: bool) -> Iterator[None]:
    """Show the lines of the logger on standard error, where the caller has not said where they go."""
    if not verbose or LOGGER.hasHandlers():
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    former = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(former)
