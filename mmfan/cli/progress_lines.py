"""Lines of mmengine's log about a training or test, as short ones for the screen."""

from __future__ import annotations

import re

from mmfan.cli.scores import score_text

_HEAD = re.compile(r"(?:Iter|Epoch)\((train|val|test)\)\s*(?:\[\s*(\d+)\s*\])?\[\s*(\d+)/(\d+)\s*\]\s*(.*)", re.DOTALL)
_BEST = re.compile(r"The best checkpoint with ([\d.]+) (\S+) at .* is saved to (.+?)\.?$")
_PAIR = re.compile(r"(\S+): (\S+)")
_TIMES = ("eta", "time", "data_time", "memory")
_NAMES = {"val": "validation", "test": "test"}


def progress_line(text: str) -> str | None:
    """The short form of a line that mmengine's ``LoggerHook`` writes; None for any other text.

    Of a training: where it is, its loss, learning rate and remaining time, and the memory of the GPU. Of a validation
    or test: how far it is, or its scores, in percent.

    >>> progress_line("Iter(train) [ 50/700]  base_lr: 6e-05 lr: 6.0e-04  eta: 0:10:11  time: 0.9  loss: 1.25  a: 3")
    'iteration  50/700  loss 1.25  lr 6.0e-04  eta 0:10:11'
    >>> progress_line("Epoch(train)  [2][ 5/10]  lr: 1.0000e-02  eta: 0:00:09  loss: 0.5")
    'epoch 2, iteration  5/10  loss 0.5  lr 1.0e-02  eta 0:00:09'
    >>> progress_line("Iter(val) [4/4]    aAcc: 5.8500  mIoU: 1.7500  data_time: 0.0392  time: 0.2603")
    'validation: aAcc 5.85 %  mIoU 1.75 %'
    >>> progress_line("Iter(test) [ 50/500]    eta: 0:01:02  time: 0.1")
    'test  50/500  eta 0:01:02'
    >>> progress_line("The best checkpoint with 7.5800 mIoU at 4 iter is saved to best_mIoU_iter_4.pth.")
    'best so far: mIoU 7.58 %, saved as best_mIoU_iter_4.pth'
    >>> progress_line("Saving checkpoint at 2 iterations")
    """
    best = _BEST.match(text)
    if best is not None:
        return f"best so far: {score_text(best[2], float(best[1]))}, saved as {best[3]}"
    found = _HEAD.match(text)
    if found is None:
        return None
    mode, epoch, at, of, rest = found.groups()
    values = dict(_PAIR.findall(rest))
    place = f"{at:>{len(of)}}/{of}"
    if mode == "train":
        told = [f"epoch {epoch}, iteration {place}" if epoch else f"iteration {place}"]
        told += [f"loss {values['loss']}"] if "loss" in values else []
        told += [f"lr {_short(values['lr'])}"] if "lr" in values else []
    else:
        scores = [f"{name} {value}" if (number := _number(value)) is None else score_text(name, number)
                  for name, value in values.items() if name not in _TIMES]  # fmt: skip
        if scores:
            return f"{_NAMES[mode]}: {'  '.join(scores)}"
        told = [f"{_NAMES[mode]} {place}"]
    told += [f"eta {values['eta']}"] if "eta" in values else []
    told += [f"memory {values['memory']} MB"] if "memory" in values else []
    return "  ".join(told)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _short(rate: str) -> str:
    number = _number(rate)
    return rate if number is None else f"{number:.1e}"
