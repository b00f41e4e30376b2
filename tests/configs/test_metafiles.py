"""OpenMMLab's model index: its form is the one that openmim reads, its numbers are those of ``configs/index.json``."""

from numbers import Real

import pytest
import yaml
from helpers.metafiles import MODEL_INDEX, ROOT, metafiles

from mmfan.apis.config import load_config
from mmfan.utils.configs import config_index

INDEX = yaml.safe_load((ROOT / MODEL_INDEX).read_text(encoding="utf-8"))
FILES = {path: yaml.safe_load((ROOT / path).read_text(encoding="utf-8")) for path in INDEX["Import"]}
MODELS = {model["Name"]: model for file in FILES.values() for model in file["Models"]}
CONFIGS = {config["name"]: (folder, config) for folder in config_index()["folders"] for config in folder["configs"]}


@pytest.mark.parametrize("path", metafiles())
def test_they_are_not_behind_the_index(path):
    assert (ROOT / path).read_text(encoding="utf-8") == metafiles()[path], "run `make metafiles`"


def test_every_folder_and_every_config_is_there_once():
    assert set(INDEX) == {"Import"}
    folders = sorted(path.parent.name for path in (ROOT / "configs").glob("*/README.md"))
    assert sorted(FILES) == [f"configs/{folder}/metafile.yml" for folder in folders]
    assert [model["Name"] for file in FILES.values() for model in file["Models"]] == list(CONFIGS)


@pytest.mark.parametrize("path", FILES)
def test_a_collection_in_the_form_that_openmim_reads(path):
    (collection,) = FILES[path]["Collections"]
    assert set(FILES[path]) == {"Collections", "Models"}
    assert set(collection) == {"Name", "Metadata", "Paper", "README", "Frameworks"}
    readme = (ROOT / collection["README"]).read_text(encoding="utf-8")
    assert set(collection["Paper"]) == {"Title", "URL"}
    assert collection["Paper"]["URL"] in readme
    assert collection["Paper"]["Title"].split(":")[0] in readme
    assert set(collection["Metadata"]["Training Data"]) == {
        model["Metadata"]["Training Data"] for model in FILES[path]["Models"]
    }


@pytest.mark.parametrize("path", FILES)
def test_models_in_the_form_that_openmim_reads(path):
    for model in FILES[path]["Models"]:
        assert set(model) - {"Results"} == {"Name", "In Collection", "Config", "Metadata"}
        assert model["In Collection"] == FILES[path]["Collections"][0]["Name"]
        assert model["Name"] == model["Name"].lower()  # it looks for names in lower case
        assert (ROOT / model["Config"]).is_file()
        assert model["Config"].endswith(f"/{model['Name']}.py")
        for value in model["Metadata"].values():  # it joins lists of text with commas, and shows text and numbers
            assert isinstance(value, (str, int)) or (isinstance(value, list) and all(isinstance(x, str) for x in value))
        for result in model.get("Results", []):
            assert set(result) == {"Task", "Dataset", "Metrics"}
            assert result["Task"] in ("Semantic Segmentation", "Object Detection", "Image Classification")
            assert result["Metrics"]
            assert all(isinstance(value, Real) and 0 < value < 100 for value in result["Metrics"].values())


def test_nobody_promises_trained_weights():
    """`Weights` are what `mim download` would fetch as the model; only weights of backbones are public."""
    assert all("Weights" not in model for model in MODELS.values())


@pytest.mark.parametrize("name", CONFIGS)
def test_numbers_are_those_of_the_index(name):
    folder, config = CONFIGS[name]
    told = {
        (result["Dataset"], metric): value
        for result in MODELS[name].get("Results", [])
        for metric, value in result["Metrics"].items()
    }
    known = {}
    for scores in (config.get("published", {}), config.get("ours", {})):
        for key, dataset, metric in (
            ("clean", config["data"], folder["metric"]),
            ("corrupted", f"{config['data']}-C", folder["metric"]),
            ("retention", f"{config['data']}-C", "retention"),
        ):
            if key in scores:
                assert (dataset, metric) not in known, "published and ours at once need two models"
                known[dataset, metric] = scores[key]
    assert told == known
    said = MODELS[name]["Metadata"].get("Scores", "")
    assert said.startswith("published") == ("published" in config)
    assert said.startswith("trained for mmfan") == ("ours" in config)


@pytest.mark.parametrize("name", CONFIGS)
def test_training_is_that_of_the_config(name):
    config, told = load_config(name), MODELS[name]["Metadata"]
    if "Batch Size" in told:
        gpus = int(name.split("xb")[0].rsplit("_", 1)[1])
        assert told["Batch Size"] == gpus * config.train_dataloader.batch_size
        if "Iterations" in told:
            assert told["Iterations"] == config.train_cfg.max_iters
        else:
            assert told["Epochs"] == config.train_cfg.max_epochs
    named = config.model.get("network", config.model).backbone.get("init_cfg") or {}
    if name.startswith("segformer_") and "cityscapes" in name:  # by mmsegmentation's own recipe
        # the base of each family of packages names an address of its own
        assert (told["Starts From"], "Pretrained Backbone" in told) == ("ImageNet-1k", False)
        assert named.get("checkpoint")
        return
    assert told.get("Pretrained Backbone") == named.get("checkpoint")
    assert ("non-commercial" in told.get("Pretrained Backbone Terms", "")) == ("Pretrained Backbone" in told)
    assert (told["Starts From"] in ("scratch", *CONFIGS)) == ("Pretrained Backbone" not in told)


def test_a_wheel_and_an_sdist_carry_them():
    """Where openmim looks in an installed package, and in one that it downloads."""
    tomllib = pytest.importorskip("tomllib")  # Python 3.11 and newer
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["force-include"][MODEL_INDEX] == f"mmfan/.mim/{MODEL_INDEX}"
    assert targets["wheel"]["force-include"]["configs"] == "mmfan/.mim/configs"
    assert MODEL_INDEX in targets["sdist"]["include"]
