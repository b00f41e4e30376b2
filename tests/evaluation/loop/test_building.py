"""Wrong data sections of a config are told by the section, whatever OpenMMLab raises over them."""

import pytest
from helpers.tiny_robustness import PROTOCOL, make_runner, write_parts

from mmfan.apis import build_runner, load_config
from mmfan.apis.robustness import built_loop, judged_config
from mmfan.cli.problems import known_problem
from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.loop.building import OURS, building


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("building"), pictures=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"test_dataloader.dataset.type": "Nothing"},
            "the `dataset` of the dataloader .*: KeyError: Nothing is not in",
        ),
        ({"test_dataloader.dataset.colour": 1}, "`dataset` .* TypeError: .*unexpected keyword argument 'colour'"),
        ({"test_dataloader.dataset.data_prefix": [1]}, "`dataset` of the dataloader .*AttributeError"),
        (
            {"test_dataloader.dataset.pipeline": [["Resize"]]},
            "`dataset` of the dataloader .*TypeError: transform must be",
        ),
        ({"test_dataloader.sampled": 1}, "the dataloader of the config cannot be used: TypeError: .*'sampled'"),
        ({"test_dataloader.batch_size": "2"}, "Expected `batch_size` to be a whole number of at least 1, got '2'"),
        ({"test_dataloader.batch_size": 0}, "Expected `batch_size` to be a whole number of at least 1, got 0"),
        ({"test_evaluator.colour": 1}, "The metric mmfan.SegCountsMetric got an unexpected keyword argument 'colour'"),
        ({"test_evaluator.ignore_index": "255"}, "Expected `ignore_index` to be a whole number, got '255'"),
        ({"test_evaluator.iou_metrics": 0.5}, "Expected `iou_metrics` to be a list, got 0.5"),
        ({"test_evaluator.iou_metrics": [["mIoU"]]}, r"Expected `iou_metrics` to be a list of str, got \['mIoU'\]"),
        (
            {"test_dataloader.dataset.type": "mmfan.CityscapesDataset", "test_dataloader.dataset.pipeline": 3},
            "Expected `pipeline` to be a list, got 3",
        ),
        (
            {"test_dataloader.dataset.type": "mmfan.CityscapesDataset", "test_dataloader.dataset.colour": 1},
            "`dataset` of the dataloader .* TypeError: .*unexpected keyword argument 'colour'",
        ),
    ],
)
@pytest.mark.slow
def test_sections_are_named(parts, tmp_path, options, message):
    config, checkpoint = parts
    cfg = load_config(config)
    cfg.merge_from_dict(options)  # as if they stood in the file: on the command line some are refused before
    cfg = judged_config(cfg, workers=0, protocol=PROTOCOL, limit=1)
    with pytest.raises(MMFanError, match=message) as caught:
        built_loop(build_runner(cfg, work_dir=tmp_path / "work", checkpoint=checkpoint))
    assert "Please check whether" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"type": "PackSegInputs", "meta_keys": ({},)}], "TypeError: unhashable"),
        ([{"type": "mmfan.LoadImageFromFile", "backend_args": ["local"]}, {"type": "PackSegInputs"}], "TypeError: "),
        ([{"type": "Resize", "scale": (0, 0)}, {"type": "PackSegInputs"}], "error: OpenCV"),
    ],
)
def test_what_the_first_picture_meets_is_told_by_the_preflight(parts, tmp_path, steps, message):
    config, checkpoint = parts
    load = [{"type": "mmfan.LoadImageFromFile"}, {"type": "mmfan.LoadSegAnnotations"}]
    pipeline = steps if steps[0]["type"] == "mmfan.LoadImageFromFile" else [*load, *steps]
    runner = make_runner(config, checkpoint, tmp_path / "work", {"test_dataloader.dataset.pipeline": pipeline}, limit=1)
    with pytest.raises(MMFanError, match=f"the pipeline of the config cannot be used: {message}"):
        built_loop(runner).preflight(with_model=False)


@pytest.mark.slow
def test_a_metric_that_asks_for_something_else_is_told(parts, tmp_path):
    config, checkpoint = parts
    runner = make_runner(config, checkpoint, tmp_path / "work", {"test_evaluator": {"type": "DepthMetric"}}, limit=1)
    with pytest.raises(ConfigError, match="the evaluator of the config cannot be used: KeyError: pred_depth_map"):
        runner.test()


def test_the_place_of_the_error_is_told_and_words_of_ones_own_pass():
    with (
        pytest.raises(
            ConfigError, match=r"A of the config cannot be used: ZeroDivisionError: .*test_building.py, line"
        ),
        building("A"),
    ):
        1 / 0  # noqa: B018
    for error in (FileNotFoundError(2, "not there", "x"), MMFanError("words"), ModuleNotFoundError("x"), MemoryError()):
        with pytest.raises(type(error)) as caught, building("A"):
            raise error
        assert caught.value is error


def own_line(text, names=None):
    """Run a line as one of mmfan's."""
    exec(compile(text, str(OURS / "planted.py"), "exec"), names or {})


def fails(*_):
    raise KeyError("img_path")


@pytest.mark.parametrize("line", ["1 / 0", "{}['img_path']", "[].nothing", "'a' + 1", "raise RuntimeError('planted')"])
def test_a_bug_of_mmfans_own_lines_keeps_its_traceback(line):
    with pytest.raises(Exception, match=r".") as caught, building("A"):
        own_line(line)
    assert not isinstance(caught.value, MMFanError)
    assert str(caught.traceback[-1].path) == str(OURS / "planted.py")
    assert known_problem(caught.value) is None


@pytest.mark.parametrize(
    "line",
    [
        "f(img_path=1)",  # what a config names raises, below mmfan's lines
        "(lambda a: a)(1, b=2)",  # arguments of a config that mmfan hands on
        "(lambda a: a)(1, 2)",
        "(lambda a: a)()",
    ],
)
def test_a_mistake_of_a_config_below_mmfans_lines_is_told(line):
    with pytest.raises(ConfigError, match=r"^A of the config cannot be used: ") as caught, building("A"):
        own_line(line, {"f": lambda img_path: fails(img_path)})
    assert known_problem(caught.value) == str(caught.value)


def test_what_a_registry_raises_again_is_that_which_was_raised_first():
    """As mmengine 0.10.7 does it: the same class of error, with other words, from a line of its own."""

    def build(line):
        try:
            own_line(line, {"f": fails})
        except (ZeroDivisionError, KeyError) as error:
            raise type(error)(f"class `Metric` in mmfan/metric.py: {error}")  # noqa: B904

    with pytest.raises(ZeroDivisionError, match="class `Metric`"), building("A"):
        build("1 / 0")
    with pytest.raises(ConfigError, match=r"KeyError: img_path \(raised in .*test_building\.py"), building("A"):
        build("f()")
