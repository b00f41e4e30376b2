import os
import subprocess
import sys
import tempfile

import pytest

from mmfan.utils.processes import children

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sockets with paths are POSIX")

# Two loading processes that hand tensors over, as in the commands.
CODE = """
import sys, tempfile, torch
from multiprocessing import util
from torch.utils.data import DataLoader
from mmfan.utils.processes.children import shorten_sockets

class Zeros:
    def __len__(self):
        return 4
    def __getitem__(self, number):
        return torch.full((1000,), number)

if __name__ == "__main__":
    shorten_sockets()
    loader = DataLoader(Zeros(), num_workers=2, multiprocessing_context=sys.argv[1])
    print([int(batch[0, 0]) for batch in loader], len(util.get_temp_dir()) < 40, tempfile.gettempdir())
"""


@pytest.mark.process
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loading_processes_under_a_long_path(tmp_path, method):
    folder = tmp_path / ("x" * 90)
    folder.mkdir()
    (tmp_path / "load.py").write_text(CODE)
    told = subprocess.run(
        [sys.executable, str(tmp_path / "load.py"), method], capture_output=True, text=True, timeout=120,
        env={**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert told.stdout.splitlines() == [f"[0, 1, 2, 3] True {folder}"], told.stderr
    assert not list(folder.iterdir())


def test_a_short_path_is_left_alone(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/tmp/" + "x" * (children._LONGEST_FOLDER - 5))
    monkeypatch.setattr(children, "_SHORT_FOLDERS", ())
    children.shorten_sockets()
    monkeypatch.setattr(tempfile, "tempdir", "/tmp/" + "x" * (children._LONGEST_FOLDER - 4))
    with pytest.raises(ValueError, match=r"\(TMPDIR\), has a path of \d+ bytes.* at most \d+.*shorter path"):
        children.shorten_sockets()
