"""Compiled parts of a model: through the compiler, told where it fails, and put back."""

import pytest
import torch
from torch import nn

from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.loop.computing.compiling import compile_options, compiled_parts, telling_of_compiler
from mmfan.evaluation.loop.computing.computing import Computing


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(3, 4)
        self.backbone.backbone = nn.Identity()  # as the convolutions before FAN's tokens are called
        self.decode_head = nn.Linear(4, 2)

    def forward(self, x):
        return self.decode_head.forward(self.backbone(x))


@pytest.mark.parametrize(
    ("asked", "options"), [(None, None), (False, None), (True, {}), ({"mode": "default"}, {"mode": "default"})]
)
def test_what_a_config_says(asked, options):
    assert compile_options(asked) == options


def test_anything_else_is_refused():
    with pytest.raises(ConfigError, match=r"Expected compile=True, or a dict .*got 'yes'"):
        compile_options("yes")


@torch.no_grad()
def test_backbone_and_head_go_through_the_compiler_and_come_back():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    model, x = Model(), torch.randn(5, 3)
    expected = model(x)
    wrapped = nn.ModuleDict({"module": model})  # as the wrappers for several processes
    with compiled_parts(wrapped, {"backend": backend}):
        torch.testing.assert_close(model(x), expected)
    assert len(graphs) == 2
    assert not {"forward"} & {*vars(model.backbone), *vars(model.decode_head)}
    assert list(model.state_dict()) == ["backbone.weight", "backbone.bias", "decode_head.weight", "decode_head.bias"]


@torch.no_grad()
def test_a_compiler_that_fails_is_told():
    def backend(graph, inputs):
        raise OSError("no C++ compiler")

    model = Model()
    computing = Computing(model, compiled={"backend": backend})
    failing = pytest.raises(MMFanError, match=r"cannot be compiled: BackendCompilerFailed: .*Leave out --compile")
    with failing, computing.prepared():
        computing.forward(model, torch.randn(1, 3))
    assert "forward" not in vars(model.backbone)


def test_other_errors_pass_and_models_without_a_backbone_are_told():
    with pytest.raises(RuntimeError, match=r"^mine$"), telling_of_compiler():
        raise RuntimeError("mine")
    for options, message in (
        ({"backend": "none_such"}, "cannot be compiled: InvalidBackend: .*none_such.* Leave out --compile"),
        ({"mod": "default"}, "'mod': 'default'.* of the config cannot be used: .*'mod'"),
    ):
        with pytest.raises(MMFanError, match=message), compiled_parts(Model(), options):
            pass
    refused = pytest.raises(MMFanError, match="Linear has no backbone that could be compiled")
    with refused, compiled_parts(nn.Linear(2, 2), {}):
        pass


def test_only_what_was_asked_for_changes_the_key():
    model = Model()
    assert Computing(model).changes == {"fp16": False, "compiled": False}
    assert Computing(model, fp16=True, compiled=True).changes == {"fp16": True, "compiled": True}
    assert Computing(model, "bf16").changes == {"fp16": True, "compiled": False}
    assert Computing(model).facts == {}
    assert Computing(model, compiled=True).facts == {"compiled": True}
