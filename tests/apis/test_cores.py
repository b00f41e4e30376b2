import pytest
import torch
from mmengine.config import Config

from mmfan.apis import cores
from mmfan.apis.cores import Shared, fit_to_cores, shared_cores


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("asked", [None, 1, 3, 100])
def test_they_never_exceed_the_cores(on_cpu, asked):
    for count in range(1, 40):
        for wanted in range(9):
            workers, threads = shared_cores(wanted, count, asked, on_cpu)
            assert 0 <= workers <= wanted
            assert workers + (min(asked, count) if threads is None else threads) <= count


def test_shares_by_hand():
    assert shared_cores(4, 8, None, on_cpu=True) == Shared(2, 6)
    assert shared_cores(4, 1, None, on_cpu=True) == Shared(0, 1)
    assert shared_cores(8, 4, None, on_cpu=False) == Shared(3, 1)
    assert shared_cores(8, 8, 6, on_cpu=True) == Shared(2, None)
    assert shared_cores(1, 8, None, on_cpu=True) == Shared(1, 7)


@pytest.fixture
def machine(monkeypatch):
    """Eight cores without a GPU, where torch has eight threads; what torch is told is kept."""
    told = [8]
    monkeypatch.setattr(cores, "share_of_cores", lambda _: 8)
    monkeypatch.setattr(cores, "get_device", lambda: "cpu")
    monkeypatch.setattr(torch, "get_num_threads", lambda: told[-1])
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return told


def config():
    return Config(
        {"train_dataloader": {"num_workers": 4}, "val_dataloader": {"num_workers": 1}, "test_dataloader": None}
    )


def test_a_config_is_fitted(machine):
    cfg = config()
    line = fit_to_cores(cfg, ["train_dataloader", "val_dataloader", "test_dataloader"])
    assert (cfg.train_dataloader.num_workers, cfg.val_dataloader.num_workers) == (2, 1)
    assert line == "For 8 cores and 6 threads of the model: train_dataloader.num_workers=2"
    assert machine == [8, 6]


@pytest.mark.parametrize("words", [["train_dataloader.num_workers=4"], ["x=1", "val_dataloader.num_workers=0"]])
def test_what_the_user_asks_for_stands(machine, words):
    cfg = config()
    assert fit_to_cores(cfg, ["train_dataloader", "val_dataloader"], words) == ""
    assert fit_to_cores(cfg, ["train_dataloader"], asked=True) == ""
    assert cfg.train_dataloader.num_workers == 4
    assert machine == [8]


def test_threads_that_the_user_asks_for(machine, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    cfg = config()
    fit_to_cores(cfg, ["train_dataloader"])
    assert cfg.train_dataloader.num_workers == 1
    assert machine == [8]
