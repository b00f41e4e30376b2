"""Doors of weights: a file that would run code is refused at each, and mmengine's loader is put back afterwards."""

import mmengine.runner.checkpoint as mmengine_checkpoint
import pytest
import torch
from helpers.file_server import serve
from helpers.pickles import write_program
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree
from mmengine.model import BaseModule
from mmengine.registry import RUNNERS
from mmengine.runner import CheckpointLoader, Runner, load_checkpoint
from torch import nn

from mmfan.apis import build_runner, init_model, load_config
from mmfan.apis.weight_doors import own_reader, with_own_reader
from mmfan.models.safe_load import CheckpointError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("data"))


@pytest.fixture
def loaders():
    """Whatever a test does, mmengine's own functions are in their places afterwards."""
    kept = vars(CheckpointLoader)["load_checkpoint"], mmengine_checkpoint.load_state_dict
    yield
    assert (vars(CheckpointLoader)["load_checkpoint"], mmengine_checkpoint.load_state_dict) == kept


@pytest.fixture
def evil(tmp_path):
    """A file of weights that leaves a mark if it is run; that it does not is asserted afterwards."""
    yield write_program(tmp_path / "evil.pth", tmp_path / "was_run")
    assert not (tmp_path / "was_run").exists()


REFUSED = pytest.raises(CheckpointError, match=r"Refused to load .*evil\.pth")


@RUNNERS.register_module()
class RunnerOfAUser(Runner):
    """Knows nothing of mmfan."""


DOORS = {
    "load_from": "load_from = {!r}\n",
    "init_cfg of the backbone": "model['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint={!r})\n",
    "init_cfg of the head": "model['decode_head']['init_cfg'] = dict(type='Pretrained', checkpoint={!r})\n",
    "init_cfg of a part with a prefix": (
        "model['decode_head']['init_cfg'] = dict(type='Pretrained', checkpoint={!r}, prefix='decode_head')\n"
    ),
    "another backbone": (
        "model['backbone'] = dict(type='mmseg.MixVisionTransformer', in_channels=3, embed_dims=8, num_stages=4,"
        " num_layers=[1] * 4, num_heads=[1] * 4, init_cfg=dict(type='Pretrained', checkpoint={!r}), _delete_=True)\n"
        "model['decode_head']['in_channels'] = [8] * 4\n"
    ),
    "resume of the config": "load_from = {!r}\nresume = True\n",
}


@pytest.mark.usefixtures("loaders")
@pytest.mark.parametrize("kind", ["", "runner_type = 'RunnerOfAUser'\n"], ids=["mmfan's runner", "a user's runner"])
@pytest.mark.parametrize("door", list(DOORS))
def test_doors_of_a_config(tmp_path, data, evil, door, kind):
    config = write_config(tmp_path / "a.py", data, DOORS[door].format(str(evil)) + kind)
    with REFUSED:
        build_runner(load_config(config), work_dir=tmp_path / "w").train()


@pytest.mark.usefixtures("loaders")
def test_doors_of_functions(tmp_path, data, evil):
    config = write_config(tmp_path / "b.py", data)
    with REFUSED:
        init_model(config, evil)
    for options in ({"checkpoint": evil}, {"resume": evil}):
        with REFUSED:
            build_runner(load_config(config), work_dir=tmp_path / "w", **options)
    (tmp_path / "w").mkdir(exist_ok=True)
    (tmp_path / "w" / "last_checkpoint").write_text(str(evil))
    for options in ({"resume": True}, {"resume": "auto"}):
        with REFUSED:
            build_runner(load_config(config), work_dir=tmp_path / "w", **options)
    runner = build_runner(load_config(config), work_dir=tmp_path / "v")
    for load in (runner.load_checkpoint, runner.resume):
        with REFUSED:
            load(str(evil))


@pytest.mark.usefixtures("loaders")
def test_doors_of_urls(tmp_path, data, evil, monkeypatch):
    """What is downloaded goes through the same reader and the same checks as a file."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    config = write_config(tmp_path / "u.py", data)
    write_checkpoint(tmp_path / "good.pth", config)
    with serve(tmp_path) as (address, _):
        for more, options in (
            (DOORS["load_from"].format(f"{address}/evil.pth"), {}),
            (DOORS["init_cfg of the head"].format(f"{address}/evil.pth"), {}),
            (DOORS["resume of the config"].format(f"{address}/evil.pth"), {}),
            ("", {"resume": f"{address}/evil.pth"}),
            ("", {"checkpoint": f"{address}/evil.pth"}),
        ):
            with REFUSED:
                build_runner(
                    load_config(write_config(tmp_path / "v.py", data, more)), work_dir=tmp_path / "w", **options
                ).train()
        with REFUSED:
            init_model(config, f"{address}/evil.pth")
        with pytest.raises(CheckpointError, match=r"good\.pth is no checkpoint that a training can continue from"):
            build_runner(load_config(config), work_dir=tmp_path / "w", resume=f"{address}/good.pth")
        ours, local = init_model(config, f"{address}/good.pth"), init_model(config, tmp_path / "good.pth")
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), local.parameters(), strict=True))


class Old(BaseModule):
    """A backbone of the time before init_cfg, and one that loads in its own way."""

    def __init__(self, pretrained):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.pretrained = pretrained

    def init_weights(self):
        load_checkpoint(self, self.pretrained, strict=False, logger="current")


@pytest.mark.usefixtures("loaders")
def test_doors_of_mmengine(tmp_path, evil):
    initialised = nn.Sequential()
    with own_reader():
        for load in (
            lambda: Old(str(evil)).init_weights(),
            lambda: BaseModule(init_cfg={"type": "Pretrained", "checkpoint": str(evil)}).init_weights(),
            lambda: CheckpointLoader.load_checkpoint(str(evil)),
            lambda: CheckpointLoader.load_checkpoint(str(evil), map_location="cpu"),
            lambda: load_checkpoint(initialised, str(evil)),
        ):
            with REFUSED:
                load()
        with pytest.raises(CheckpointError, match="s3:// is none of"):
            load_checkpoint(initialised, "s3://bucket/evil.pth")


@pytest.mark.parametrize("content", [[1, 2], torch.ones(3)])
def test_what_is_no_dictionary_is_refused_by_name(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with own_reader(), pytest.raises(CheckpointError, match=r"other\.pth to hold a dictionary of weights, got a"):
        load_checkpoint(nn.Sequential(), str(tmp_path / "other.pth"))


@pytest.mark.usefixtures("loaders")
def test_users_loaders_are_neither_asked_nor_lost(evil):
    asked = []

    def load(filename, map_location):
        asked.append(filename)
        return {}

    try:
        with own_reader():
            CheckpointLoader.register_scheme("mine://", load)
            with pytest.raises(CheckpointError, match="mine:// is none of"):
                CheckpointLoader.load_checkpoint("mine://a")
        assert asked == []
        assert CheckpointLoader.load_checkpoint("mine://a") == {}
    finally:
        CheckpointLoader._schemes.pop("mine://")


@pytest.mark.usefixtures("loaders")
def test_it_ends_with_the_call_whatever_happens():
    @with_own_reader
    def fail():
        with own_reader():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()


@pytest.mark.usefixtures("loaders")
@pytest.mark.parametrize("wrong", ["sparse", "quantised", "meta", "NaN", "bool", "complex"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_weights_that_mmengine_would_leave_random_are_an_error(tmp_path, wrong):
    weight = torch.eye(2)
    weight = {
        "sparse": weight.to_sparse(),
        "quantised": torch.quantize_per_tensor(weight, 0.1, 0, torch.quint8),
        "meta": weight.to("meta"),
        "NaN": weight * float("nan"),
        "bool": weight > 0,
        "complex": weight + 1j,
    }[wrong]
    torch.save({"layer.weight": weight, "layer.bias": torch.ones(2)}, tmp_path / "a.pth")
    model = Old(str(tmp_path / "a.pth"))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with own_reader(), pytest.raises(CheckpointError, match=r"a\.pth holds weights .*layer\.weight: "):
        model.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


class Stubborn(nn.Linear):
    """Its weights cannot be copied into."""

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing, unexpected, errors):
        errors.append(f'While copying the parameter named "{prefix}weight", an exception occurred : no.')


@pytest.mark.usefixtures("loaders")
def test_a_copy_that_fails_is_an_error(tmp_path):
    torch.save({"weight": torch.ones(2, 2), "bias": torch.ones(2)}, tmp_path / "a.pth")
    with own_reader(), pytest.raises(CheckpointError, match=r'1 weights could not be copied.*"weight"'):
        load_checkpoint(Stubborn(2, 2), str(tmp_path / "a.pth"))


@pytest.mark.usefixtures("loaders")
def test_other_shapes_are_told_as_mmengine_tells_them(tmp_path, capsys):
    """A head for other classes is usual: it keeps its own weights."""
    torch.save({"weight": torch.ones(3, 2), "bias": torch.ones(2), "more": torch.ones(1)}, tmp_path / "a.pth")
    model = nn.Linear(2, 2)
    with own_reader():
        load_checkpoint(model, str(tmp_path / "a.pth"))
    assert model.bias.tolist() == [1, 1]
    told = capsys.readouterr().out
    assert "size mismatch for weight" in told
    assert "more" in told


@pytest.mark.usefixtures("loaders")
def test_mmcls_gives_the_backbone_alone(tmp_path, monkeypatch):
    torch.save({"state_dict": {"backbone.a": torch.ones(1), "head.b": torch.ones(1)}}, tmp_path / "a.pth")
    monkeypatch.setattr("mmfan.apis.checkpoint.local_file", lambda source: tmp_path / "a.pth")
    with own_reader():
        assert list(CheckpointLoader.load_checkpoint("mmcls://a")["state_dict"]) == ["a"]


@pytest.mark.usefixtures("loaders")
def test_training_from_weights_of_another_model_is_refused(tmp_path, data):
    torch.save({"state_dict": {"something.else": torch.ones(1)}}, tmp_path / "else.pth")
    config = write_config(tmp_path / "c.py", data, f"load_from = {str(tmp_path / 'else.pth')!r}\n")
    runner = build_runner(load_config(config), work_dir=tmp_path / "w")
    with pytest.raises(CheckpointError, match=r"else\.pth holds no weight of this config's model.*something\.else"):
        runner.train()


def test_a_head_of_other_classes_is_trained_anew(tmp_path, data):
    checkpoint = write_checkpoint(tmp_path / "a.pth", write_config(tmp_path / "a.py", data))
    more = f"load_from = {str(checkpoint)!r}\nmodel['decode_head']['num_classes'] = 20\n"
    runner = build_runner(load_config(write_config(tmp_path / "d.py", data, more)), work_dir=tmp_path / "w")
    saved = torch.load(checkpoint, weights_only=False)["state_dict"]
    runner.load_or_resume()
    own = runner.model.state_dict()
    same = {key for key in saved if own[key].shape == saved[key].shape}
    assert len(saved) - len(same) in (1, 2)  # weight and bias of the classifier
    assert all(torch.equal(own[key], saved[key]) for key in same)


@pytest.mark.usefixtures("loaders")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_is_not_scored_with_weights_that_are_not_there(tmp_path, data):
    config = write_config(tmp_path / "e.py", data)
    content = torch.load(write_checkpoint(tmp_path / "a.pth", config), weights_only=False)
    key = "decode_head.conv_seg.weight"
    weight = content["state_dict"][key]
    for wrong, what in (
        (weight.to_sparse(), "sparse"),
        (weight.to("meta"), "without values"),
        (weight / 0, "not finite"),
        (weight > 0, r"bool \(model float32\)|bool"),
        (weight.to(torch.complex64), "complex64"),
    ):
        content["state_dict"][key] = wrong
        torch.save(content, tmp_path / "wrong.pth")
        with pytest.raises(CheckpointError, match=rf"wrong\.pth holds weights .*conv_seg\.weight: ({what})"):
            init_model(config, tmp_path / "wrong.pth")
        with pytest.raises(CheckpointError, match=r"conv_seg\.weight: "):
            build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=tmp_path / "wrong.pth")
