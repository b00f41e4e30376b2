"""Results files, counts, protocols, expectations and cards, taken into reports of every form and through the gate."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from helpers.small_results import PROTOCOL, records

from fuzz.mutations import json_bytes, mutate_bytes, mutate_json
from mmfan.evaluation.judging.asked import asked_protocol
from mmfan.evaluation.protocol import get_protocol, protocol_of_cells, read_description
from mmfan.evaluation.report import Run, build_report, read_runs
from mmfan.evaluation.report.card import card_of, differences_from_card, other_versions, read_card, write_card
from mmfan.evaluation.report.formats import FORMATS
from mmfan.evaluation.report.gate import differences, read_expectations, write_expectations
from mmfan.evaluation.results.store import ResultsStore, key_of

CLASSES = ("road", "car")
NAMES = ("a.png", "b.png", "c.png")


def counts_file() -> bytes:
    """Counts of three pictures and two classes."""
    stream = io.BytesIO()
    counts = np.arange(18, dtype=np.uint8).reshape(3, 2, 3)
    np.savez_compressed(stream, counts=counts, pictures=np.asarray(NAMES), classes=np.asarray(CLASSES))
    return stream.getvalue()


def rich_records(model):
    """Records with all that the judge writes."""
    more = {
        "config_hash": "0" * 16, "checkpoint_hash": "1" * 64, "seed": 0, "pictures": "3-abc", "contents_hash": "c",
        "truth_hash": "t", "metric_hash": "m", "precision": "float32", "classes": list(CLASSES), "seconds": 1.5,
        "truth": {"classes": list(CLASSES)}, "versions": {"mmfan": "0.2.0"}, "source": "fly", "note": "odd",
    }  # fmt: skip
    found = records(model, **more)
    for at, record in enumerate(found):
        record["per_class"] = {"IoU": {"road": 0.9, "car": None if at == 2 else 0.3}}
        record["counts"] = f"run.jsonl.counts/{at}.npz"
        record["metrics"]["aAcc"] = 0.7
    return found


EXPECTED = {
    "protocol": "small", "metric": "mIoU", "tolerance": 0.005,
    "models": {"fan-t": {
        "clean": [0.8, 0.005], "retention": {"value": 0.5, "tolerance": 0.01}, "corrupted": {"min": 0.2, "max": 0.9},
        "by_group": {"weather": 0.5}, "by_severity": {"1": [0.45, 0.1]}, "scores": {"fog": {"2": [0.4, 0.01]}},
    }},
}  # fmt: skip


class Target:
    """``run.jsonl`` with its counts, ``protocol.json``, ``expected.json`` and ``card.json``; one or more is changed."""

    def __init__(self):
        self.counts = counts_file()
        found = rich_records("fan-t")
        run = Run("fan-t", key_of(found[0])[0], ((Path("run.jsonl"), tuple(found)),))
        self.card = card_of(run, get_protocol(PROTOCOL), "mIoU")

    def make(self, rng, folder):
        lines = [*rich_records("fan-t"), *records("other")]
        changed = rng.choice(("records", "records", "counts", "protocol", "expected", "card", "all"))
        if changed in ("records", "all"):
            for _ in range(rng.choice((1, 1, 2, 4))):
                at = rng.randrange(len(lines))
                lines[at] = mutate_json(rng, lines[at])
            if rng.random() < 0.2:
                lines.append(lines[rng.randrange(len(lines))])
        content = b"".join(self._line(rng, line, changed in ("records", "all")) for line in lines)
        if changed in ("records", "all") and rng.random() < 0.2:
            content = mutate_bytes(rng, content)
        (folder / "run.jsonl").write_bytes(content)
        (folder / "run.jsonl.counts").mkdir()
        for at in range(4):
            counts = self._counts(rng) if changed in ("counts", "all") and rng.random() < 0.6 else self.counts
            (folder / "run.jsonl.counts" / f"{at}.npz").write_bytes(counts)
        for name, sound in (("protocol", PROTOCOL), ("expected", EXPECTED), ("card", self.card)):
            is_changed = changed in (name, "all")
            text = json_bytes(rng, mutate_json(rng, sound)) if is_changed else json.dumps(sound).encode()
            (folder / f"{name}.json").write_bytes(text)

    def _line(self, rng, line, changed):
        if not changed or rng.random() < 0.9:
            return json.dumps(line).encode() + b"\n"
        return json_bytes(rng, line).replace(b"\n", b" ") + rng.choice((b"\n", b"\n", b"\r\n", b"", b"\n\n"))

    def _counts(self, rng):
        if rng.random() < 0.5:
            return mutate_bytes(rng, self.counts)
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(self.counts)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = rng.choice(list(parts))
        large = parts["counts.npy"].replace(b"(3, 2, 3), }" + b" " * 9, b"(3999999999, 2, 3), }")
        parts[name] = rng.choice((mutate_bytes(rng, parts[name], head=120), b"", parts["counts.npy"], large))
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for each, content in parts.items():
                archive.writestr(each, content)
        return stream.getvalue()

    def doors(self, folder):
        path = folder / "run.jsonl"
        yield "protocol", lambda: get_protocol(read_description(folder / "protocol.json"))
        yield "protocol of the judge", lambda: asked_protocol(str(folder / "protocol.json"))
        yield "gate", lambda: self._gate(folder)
        yield "card", lambda: self._check(folder)
        yield "ranking and group", lambda: self._together(path)
        yield "counts", lambda: self._read_counts(path)
        yield "report", lambda: self._report(path, "mIoU", get_protocol(PROTOCOL))
        yield "report, recorded", lambda: self._report(path, "aAcc", None)
        yield "report, class", lambda: self._report(path, "IoU.car", get_protocol(PROTOCOL))
        yield "append", lambda: self._append(path)

    def _gate(self, folder):
        expected = read_expectations(folder / "expected.json")
        differences(read_runs([folder / "run.jsonl"]), get_protocol(PROTOCOL), "mIoU", expected)

    def _check(self, folder):
        card = read_card(folder / "card.json")
        run = read_runs([folder / "run.jsonl"])[0]
        assert all(isinstance(line, str) for line in differences_from_card(run, card, "card.json"))
        other_versions(run, card)
        write_card(folder / "mine.json", run, get_protocol(PROTOCOL), "mIoU")
        assert differences_from_card(run, read_card(folder / "mine.json"), "mine.json", tolerance=0) == []

    def _together(self, path):
        runs = read_runs([path])
        groups = {"all of them": [run.name for run in runs]}
        for more in ({"groups": groups}, {"groups": groups, "ranked_by": "retention"}, {"columns": ["fog", "clean"]}):
            report = build_report(runs, PROTOCOL, "mIoU", **more)
            for form in FORMATS.values():
                form(report).encode()

    def _read_counts(self, path):
        store = ResultsStore(path)
        for record in store.records():
            if "counts" in record:
                store.read_counts(record)

    def _report(self, path, metric, protocol):
        runs = read_runs([path])
        if protocol is None:
            protocol = protocol_of_cells((key_of(record)[1] for run in runs for record in run.records), "recorded")
        report = build_report(runs, protocol, metric, partial=True, reference=runs[0].name)
        for form in FORMATS.values():
            form(report).encode()
        write_expectations(path.with_name("written.json"), report.models[:1], 0.01)

    def _append(self, path):
        store = ResultsStore(path)
        store.append({**records("new")[0]})
        assert any(record["model"] == "new" for record in store.records())
