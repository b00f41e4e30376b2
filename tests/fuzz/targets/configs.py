"""Configs whose data sections have wrong types, missing keys and wrong values, taken to a judged picture."""

import json
import random
import tempfile
from pathlib import Path

from helpers.tiny_robustness import write_parts
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from fuzz.mutations import any_value, mutate_json
from mmfan.apis import build_runner, load_config
from mmfan.apis.robustness import built_loop, judged_config

PROTOCOL = {"corruptions": ["contrast"], "severities": [2]}
SECTIONS = ("test_dataloader", "test_evaluator")
TYPES = [
    "CityscapesDataset",
    "mmfan.CityscapesDataset",
    "mmfan.CityscapesCDataset",
    "ADE20KDataset",
    "RepeatDataset",
    "ConcatDataset",
    "CocoDataset",
    "mmfan.CocoDataset",
    "BaseSegDataset",
    "IoUMetric",
    "CityscapesMetric",
    "DepthMetric",
    "CocoMetric",
    "mmfan.RetentionEvaluator",
    "LoadImageFromFile",
    "mmfan.LoadImageFromFile",
    "LoadAnnotations",
    "mmfan.LoadSegAnnotations",
    "Resize",
    "RandomCrop",
    "RandomFlip",
    "PackSegInputs",
    "PackDetInputs",
    "Normalize",
    "mmfan.Corrupt",
    "TestTimeAug",
    "DefaultSampler",
    "InfiniteSampler",
    "PhotoMetricDistortion",
    "Nothing",
    "torch.nn.Linear",
]
KEYS = [
    "type",
    "data_root",
    "data_prefix",
    "pipeline",
    "metainfo",
    "img_suffix",
    "ann_file",
    "reduce_zero_label",
    "scale",
    "iou_metrics",
    "ignore_index",
    "nan_to_num",
    "beta",
    "format_only",
    "output_dir",
    "prefix",
    "classes",
    "indices",
    "test_mode",
    "lazy_init",
    "collate_fn",
    "batch_size",
    "drop_last",
    "timeout",
    "persistent_workers",
    "metric",
    "sampler",
    "batch_sampler",
    "shuffle",
    "serialize_data",
    "max_refetch",
    "keep_ratio",
    "meta_keys",
    "to_float32",
    "color_type",
    "imdecode_backend",
    "backend_args",
    "filter_cfg",
    "times",
    "dataset",
    "prob",
    "crop_size",
]


def aimed(rng: random.Random, sections):
    """A change of what is particular to configs: another type, an argument more."""
    tables = []

    def collect(value):
        if isinstance(value, dict):
            tables.append(value)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(item)

    collect(sections)
    table = rng.choice(tables[1:])
    if rng.random() < 0.4:
        table["type"] = rng.choice(TYPES)
    else:
        value = rng.choice(
            (any_value(rng), rng.choice(TYPES), {"type": rng.choice(TYPES)}, [{"type": rng.choice(TYPES)}])
        )
        table[rng.choice(KEYS)] = value
    return sections


class Target:
    """``config.json``: the tiny segmentor on two pictures."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="mmfan-fuzz-config-")
        path, self.checkpoint = write_parts(Path(self.home.name), pictures=2)
        with DefaultScope.overwrite_default_scope("mmseg"):
            self.config = json.loads(json.dumps(load_config(path).to_dict()))
        self.config.pop("visualizer", None)

    def make(self, rng, folder):
        config = json.loads(json.dumps(self.config))
        sections = {name: config[name] for name in SECTIONS}
        sections = aimed(rng, sections) if rng.random() < 0.5 else mutate_json(rng, sections)
        for name in SECTIONS:
            config.pop(name)
        config |= sections if isinstance(sections, dict) else {"test_dataloader": sections}
        # paths of this process's own data would make the input another one each time it is made
        text = json.dumps(config).replace(self.home.name, "DATA")
        (folder / "config.json").write_text(text, errors="surrogatepass")

    def doors(self, folder):
        path = folder / "config.json"
        content = path.read_bytes()
        path.write_bytes(content.replace(b"DATA", self.home.name.encode()))
        yield "judge", lambda: self._judge(path, folder)
        path.write_bytes(content)

    def _judge(self, path, folder):
        try:
            cfg = judged_config(
                load_config(path), workers=0, protocol=PROTOCOL, limit=1, results=str(folder / "run.jsonl")
            )
            runner = build_runner(cfg, work_dir=folder / "work", checkpoint=self.checkpoint)
            built_loop(runner)
            runner.test()
        finally:
            forget_runs()


def forget_runs() -> None:
    """Close the log files of Runners, and forget what mmengine keeps of each."""
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            handler.close()
    for kind in (MMLogger, MessageHub, Visualizer, DefaultScope):
        kind._instance_dict.clear()
