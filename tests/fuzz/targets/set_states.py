"""What a corrupted set says of itself: its record, manifests, their parts and locks, met by the next run."""

import json
import shutil
import tempfile
from pathlib import Path

from helpers.corrupted_tree import write_picture

from fuzz.mutations import json_bytes, mutate_bytes, mutate_json
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted import list_pictures, make_corrupted_set, make_plan, parse_shard, survey, verify_set
from mmfan.datasets.corrupted.lookup import CorruptedSet, clean_set_of

CELLS = [("contrast", 1), ("contrast", 3)]
PICTURES = 3


def plan_of(source, target, shard="1/1"):
    """The plan of the small set."""
    return make_plan(source, target, CELLS, shard=parse_shard(shard))


class Target:
    """A set of three pictures and two cells, whole or half made, with one or more of its files of JSON changed."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="mmfan-fuzz-set-")
        self.source = Path(self.home.name) / "clean"
        self.whole = Path(self.home.name) / "whole"
        for at in range(PICTURES):
            write_picture(self.source / f"{at}.png", at)
        make_corrupted_set(plan_of(self.source, self.whole), workers=1)

    def make(self, rng, folder):
        shutil.copytree(self.source, folder / "clean")
        target = folder / "set"
        shutil.copytree(self.whole, target)
        manifests = sorted(target.glob("manifests/*/*/*.json"))
        if rng.random() < 0.5:  # half made: a part in the place of a manifest, and a picture missing
            path = rng.choice(manifests)
            content = json.loads(path.read_bytes())
            lost = content["files"].popitem()[0]
            content["count"] -= 1
            part = path.with_name(f"{path.stem}.{rng.choice(('1-of-1', '1-of-2', '2-of-2'))}.json")
            part.write_text(json.dumps(content))
            path.unlink()
            (target / path.parent.parent.name / path.parent.name / lost).unlink()
        if rng.random() < 0.4:
            lock = target / ".making" / rng.choice(("lock-1-of-1.json", "lock-1-of-2.json", "lock-x.json"))
            lock.parent.mkdir()
            lock.write_bytes(json_bytes(rng, mutate_json(rng, {"pid": 1, "host": "h", "shard": "1/1"})))
        states = sorted(target.rglob("*.json"))
        for path in rng.sample(states, rng.choice((1, 1, 2))):
            content = path.read_bytes()
            try:
                content = json_bytes(rng, mutate_json(rng, json.loads(content)))
            except (ValueError, RecursionError):
                content = mutate_bytes(rng, content)
            path.write_bytes(content)

    def doors(self, folder):
        source, target = folder / "clean", folder / "set"
        yield "survey", lambda: survey(plan_of(source, target))
        yield "verify", lambda: verify_set(target, list_pictures(source))
        yield "judge", lambda: self._look_up(source, target)
        yield "make", lambda: make_corrupted_set(plan_of(source, target), workers=1)
        yield "make a shard", lambda: make_corrupted_set(plan_of(source, target, "1/2"), workers=1)

    def _look_up(self, source, target):
        paths = [str(path) for path in sorted(source.glob("*.png"))]
        seen = CorruptedSet(target, clean_set_of(paths, str(source)))
        for cell in CELLS:
            seen.find(paths, Cell(*cell))
            seen.seed_of(paths[0], Cell(*cell))
        str((seen.other_engine, seen.lossy))
