"""Small files that mmfan leaves for itself: of miniatures, trainings and analyses, and locks."""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

from fuzz.mutations import json_bytes, mutate_bytes, mutate_json
from mmfan.analysis.analyses.landscape import PointStore
from mmfan.apis.resume import latest_checkpoint
from mmfan.datasets.corrupted.making.lock import shard_lock
from mmfan.datasets.miniature import write_cityscapes, write_coco
from mmfan.utils.processes.shards import parse_shard

FORMS = {"cityscapes": write_cityscapes, "coco": write_coco}
SIZE = (64, 64)


class Target:
    """A miniature of one picture, a note of a training, points of a landscape and a lock; all of them changed."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="mmfan-fuzz-mini-")
        for name, write in FORMS.items():
            write(Path(self.home.name) / name, train=0, val=1, size=SIZE, workers=1)

    def make(self, rng, folder):
        for name in FORMS:
            shutil.copytree(Path(self.home.name) / name, folder / name)
            path = folder / name / "miniature.json"
            path.write_bytes(json_bytes(rng, mutate_json(rng, json.loads(path.read_bytes()))))
        pointer = str(folder / "iter_4.pth").encode() if rng.random() < 0.5 else b"iter_4.pth\n"
        (folder / "last_checkpoint").write_bytes(mutate_bytes(rng, pointer))
        points = [{"key": "k", "x": 0.5 * at, "y": -1.0, "loss": 0.3 if at else None} for at in range(3)]
        lines = (json_bytes(rng, mutate_json(rng, point)).replace(b"\n", b" ") for point in points)
        (folder / "landscape.jsonl").write_bytes(b"\n".join(lines) + rng.choice((b"\n", b"", b"{")))
        lock = folder / "set" / ".making" / rng.choice(("lock-1-of-1.json", "lock-1-of-3.json", "lock-.json"))
        lock.parent.mkdir(parents=True)
        lock.write_bytes(json_bytes(rng, mutate_json(rng, {"pid": 1, "host": "h", "shard": "1/1"})))

    def doors(self, folder):
        for name, write in FORMS.items():
            for force in (False, True):
                yield (
                    f"{name}, force={force}",
                    lambda name=name, write=write, force=force: self._mini(write, folder / name, force),
                )
        yield "last checkpoint", lambda: latest_checkpoint(folder)
        yield "points", lambda: self._points(folder)
        yield "lock", lambda: self._lock(folder / "set")

    def _mini(self, write, target, force):
        # that a folder holds something else is told as an error of files, with words
        with contextlib.suppress(FileExistsError):
            write(target, train=0, val=1, size=SIZE, workers=1, force=force)

    def _points(self, folder):
        store = PointStore(folder / "landscape.jsonl", "k")
        known = store.read()
        store.append((9.0, 9.0), 0.25)
        assert store.read() == known | {(9.0, 9.0): 0.25}

    def _lock(self, target):
        with shard_lock(target, parse_shard("1/1"), str):
            pass
