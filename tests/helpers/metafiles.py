"""OpenMMLab's model index as made from ``configs/index.json``: a metafile a folder, and the list of them.

``make metafiles`` writes them; a test says when they are behind. The scores stand in the index alone.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mmfan.utils.configs import config_index, own_configs
from mmfan.utils.files import write_whole

ROOT = Path(__file__).parents[2]
MODEL_INDEX = "model-index.yml"
HEAD = "# Made by `make metafiles` from configs/index.json; edit that.\n"
TASKS = {"mIoU": "Semantic Segmentation", "box AP": "Object Detection", "top-1": "Image Classification"}
SCHEDULE = re.compile(r"_(?P<gpus>\d+)xb(?P<pictures>\d+)-(?P<length>\d+)(?P<unit>k|e)_")


def pretrained(config: Path) -> str | None:
    """The address of the backbone's weights that a config names at its top level as ``checkpoint``, or its one base."""
    named = {
        target.id: node.value
        for node in ast.parse(config.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
    }
    if "checkpoint" in named:
        address: str | None = ast.literal_eval(named["checkpoint"])
        return address
    base = named.get("_base_")
    if isinstance(base, ast.Constant):
        inherited = config.parent / base.value
        return pretrained(inherited) if inherited.is_file() else None
    return None


def schedule(name: str) -> dict[str, int]:
    """Batch size and length of a training, from an address name; empty for other names."""
    found = SCHEDULE.search(name)
    if found is None:
        return {}
    length = int(found["length"])
    long = {"Iterations": 1000 * length} if found["unit"] == "k" else {"Epochs": length}
    return {"Batch Size": int(found["gpus"]) * int(found["pictures"]), **long}


def metadata(config: dict[str, Any], folder: dict[str, Any], terms: str) -> dict[str, Any]:
    """What is known of a training besides its scores; whose scores they are."""
    known = {"Training Data": config["data"], **schedule(config["name"])}
    known["Architecture"] = [config["model"], *folder["architecture"]]
    known["Starts From"] = config["start"]
    address = pretrained(own_configs()[config["name"]])
    if address is not None:
        known |= {"Pretrained Backbone": address, "Pretrained Backbone Terms": terms}
    if "published" in config:
        known["Scores"] = f"published, not trained again here: {config['published']['source']}"
    if "ours" in config:
        known["Scores"] = "trained for mmfan: docs/results.md; retention is of fewer pictures"
    if "note" in config.get("published", {}):
        known["Note"] = config["published"]["note"]
    return known


def results(config: dict[str, Any], metric: str) -> Iterator[dict[str, Any]]:
    """The clean scores, then those of the corrupted set, in percent."""
    scores = config.get("published") or config.get("ours") or {}
    clean = {metric: scores.get("clean")}
    corrupted = {metric: scores.get("corrupted"), "retention": scores.get("retention")}
    for dataset, metrics in ((config["data"], clean), (f"{config['data']}-C", corrupted)):
        printed = {name: value for name, value in metrics.items() if value is not None}
        if printed:
            yield {"Task": TASKS[metric], "Dataset": dataset, "Metrics": printed}


def metafile(folder: dict[str, Any], terms: str) -> dict[str, Any]:
    """Collection and models of a folder, as OpenMMLab writes them."""
    place, paper = f"configs/{folder['folder']}", folder["paper"]
    collection = {
        "Name": folder["folder"],
        "Metadata": {"Training Data": sorted({config["data"] for config in folder["configs"]})},
        "Paper": {"Title": paper["title"], "URL": paper["url"]},
        "README": f"{place}/README.md",
        "Frameworks": ["PyTorch"],
    }
    models = []
    for config in folder["configs"]:
        model = {
            "Name": config["name"],
            "In Collection": folder["folder"],
            "Config": f"{place}/{config['name']}.py",
            "Metadata": metadata(config, folder, terms),
        }
        found = list(results(config, folder["metric"]))
        models.append({**model, "Results": found} if found else model)
    return {"Collections": [collection], "Models": models}


def metafiles() -> dict[str, str]:
    """Path below the repository -> what the file holds: the index and every folder's metafile."""
    index = config_index()
    made = {f"configs/{one['folder']}/metafile.yml": metafile(one, index["weights"]) for one in index["folders"]}
    contents: dict[str, Any] = {MODEL_INDEX: {"Import": list(made)}, **made}
    dump = {path: yaml.safe_dump(content, sort_keys=False, width=110) for path, content in contents.items()}
    return {path: HEAD + text for path, text in dump.items()}


if __name__ == "__main__":
    for path, text in metafiles().items():
        write_whole(ROOT / path, text.encode())
        sys.stdout.write(f"{path}\n")
