"""Options for a config: what nothing would read is refused wherever it is nested, what is read passes."""

import pytest

from mmfan.apis import load_config
from mmfan.apis.config_options import check_options
from mmfan.errors import ConfigError


@pytest.fixture(scope="module")
def seg():
    return load_config("fan_segformer_mini")


@pytest.fixture(scope="module")
def det():
    pytest.importorskip("mmdet")
    return load_config("fan_mask_rcnn_mini")


# keys that the configs do not have yet
SEG_TAKEN = [
    "model.backbone.drop_path_rate", "model.backbone.with_cp", "model.backbone.init_cfg.checkpoint",
    "model.decode_head.dropout_ratio", "model.decode_head.loss_decode.class_weight",
    "model.test_cfg.crop_size", "model.data_preprocessor.size", "model._scope_", "model.pretrained",
    "train_dataloader.num_batch_per_epoch", "train_dataloader.prefetch_factor", "train_dataloader.sampler.seed",
    "train_dataloader.dataset.indices", "train_dataloader.dataset.pipeline.0.backend_args",
    "train_cfg.val_begin", "val_cfg.fp16", "default_hooks.checkpoint.save_best", "default_hooks.visualization.type",
    "optim_wrapper.accumulative_counts", "optim_wrapper.optimizer.amsgrad", "optim_wrapper.paramwise_cfg.custom_keys",
    "randomness.deterministic", "param_scheduler.0.last_step", "param_scheduler.0.convert_to_iter_based",
    "env_cfg.resource_limit", "test_evaluator.output_dir", "visualizer.vis_backends", "log_processor.num_digits",
    "auto_scale_lr.enable", "resume",
]  # fmt: skip
DET_TAKEN = [
    "model.backbone.frozen_stages", "model.neck.init_cfg", "model.rpn_head.loss_bbox.reduction",
    "model.roi_head.bbox_head.reg_class_agnostic", "model.roi_head.bbox_roi_extractor.finest_scale",
    "model.test_cfg.rcnn.mask_thr_binary", "model.train_cfg.rcnn.assigner.gpu_assign_thr",
    "train_dataloader.dataset.filter_cfg.filter_empty_gt", "test_evaluator.classwise",
    "model.data_preprocessor.pad_mask",
    "train_dataloader.batch_sampler.drop_last", "train_dataloader.dataset.pipeline.1.poly2mask",
]  # fmt: skip


@pytest.mark.parametrize("key", SEG_TAKEN)
def test_what_a_segmentor_takes(seg, key, recwarn):
    check_options(seg, {key: 1})
    told = [str(one.message) for one in recwarn if "--cfg-options" in str(one.message)]
    assert len(told) == (key == "model.test_cfg.crop_size")  # of which nothing is known


@pytest.mark.parametrize("key", DET_TAKEN)
def test_what_a_detector_takes(det, key):
    check_options(det, {key: 1})


SEG_REFUSED = {
    "model.backbone.archh": "model.backbone, mmfan.FANHybrid, takes no 'archh'; did you mean 'arch'?",
    "model.backbone.drop_path": "did you mean 'drop_path_rate'?",
    "model.decode_head.num_clases": "model.decode_head, mmfan.FANSegformerHead, takes no 'num_clases'; did you mean",
    "model.decode_head.ignore_index": "did you mean 'in_index'?",
    "model.decode_head.loss_decode.weight": "takes no 'weight'",
    "model.decode_head.chanels.x": "takes no 'chanels'",
    "model.data_preprocessor.sizes": "did you mean 'size'?",
    "model.test_cfg.mdoe": "model.test_cfg takes no 'mdoe'; did you mean 'mode'?",
    "model.backbon.arch": "takes no 'backbon'; did you mean 'backbone'?",
    "train_dataloader.batchsize": "train_dataloader, a dataloader, takes no 'batchsize'; did you mean 'batch_size'?",
    "train_dataloader.sampler.shufle": "takes no 'shufle'; did you mean 'shuffle'?",
    "train_dataloader.dataset.data_rot": "did you mean 'data_root'?",
    "train_dataloader.dataset.data_prefix.img_pth": "did you mean 'img_path'?",
    "train_dataloader.dataset.pipeline.0.to_float": "did you mean 'to_float32'?",
    "train_cfg.max_iter": "train_cfg, IterBasedTrainLoop, takes no 'max_iter'; did you mean 'max_iters'?",
    "val_cfg.fp": "takes no 'fp'",
    "default_hooks.chekpoint.interval": "did you mean 'checkpoint'?",
    "default_hooks.checkpoint.intervals": "did you mean 'interval'?",
    "optim_wrapper.optimiser.lr": "takes no 'optimiser'; did you mean 'optimizer'?",
    "optim_wrapper.optimizer.lrr": "did you mean 'lr'?",
    "param_scheduler.0.start_facotr": "did you mean 'start_factor'?",
    "randomness.sed": "did you mean 'seed'?",
    "test_evaluator.iou_metric": "did you mean 'iou_metrics'?",
    "env_cfg.cudnn_benchmrk": "did you mean 'cudnn_benchmark'?",
}
DET_REFUSED = {
    "model.backbone.archh": "did you mean 'arch'?",
    "model.roi_head.bbox_head.num_class": "did you mean 'num_classes'?",
    "model.roi_head.bbox_head.loss_cls.loss_weigth": "did you mean 'loss_weight'?",
    "model.rpn_head.anchor_generator.scale": "did you mean 'scales'?",
    "model.test_cfg.rcnn.score_thresh": "did you mean 'score_thr'?",
    "train_dataloader.dataset.ann_fil": "did you mean 'ann_file'?",
    "train_dataloader.dataset.pipeline.1.with_box": "did you mean 'with_bbox'?",
    "test_evaluator.metrics": "did you mean 'metric'?",
}


@pytest.mark.parametrize(("key", "message"), SEG_REFUSED.items())
def test_what_a_segmentor_refuses(seg, key, message):
    with pytest.raises(ConfigError) as refused:
        check_options(seg, {key: 1})
    assert str(refused.value).startswith(f"--cfg-options {key}: ")
    assert message in str(refused.value)


@pytest.mark.parametrize(("key", "message"), DET_REFUSED.items())
def test_what_a_detector_refuses(det, key, message):
    with pytest.raises(ConfigError) as refused:
        check_options(det, {key: 1})
    assert message in str(refused.value)


def test_a_dict_as_a_value_is_looked_into(seg):
    with pytest.raises(ConfigError, match=r"--cfg-options model\.backbone\.archh: "):
        check_options(seg, {"model": {"backbone": {"archh": "small"}}})
    check_options(seg, {"model.backbone": {"type": "Other", "anything": 1}, "model": {"_delete_": True, "a": 1}})


def test_no_config_has_a_key_that_would_be_refused(seg, det):
    """What is in the configs themselves is what their classes take, so that lists of keys are not too short."""

    def places(value, walked):
        if isinstance(value, dict):
            for key, item in value.items():
                yield walked, value, key
                yield from places(item, f"{walked}.{key}" if walked else key)
        elif isinstance(value, list):
            for at, item in enumerate(value):
                yield from places(item, f"{walked}.{at}")

    from mmfan.apis.accepted_keys import RUNNER_ARGUMENTS, accepted_keys

    seen = 0
    for cfg in (seg, det):
        for name in RUNNER_ARGUMENTS:
            for walked, part, key in places(cfg.get(name), name):
                without = {one: value for one, value in part.items() if one != key}
                accepted = accepted_keys(without, walked, cfg.default_scope)
                assert key in accepted.names or accepted.others or key in ("type", "_scope_"), (walked, key)
                seen += key in accepted.names
    assert seen > 200


def test_a_type_may_change_in_the_same_breath(seg):
    place = "test_dataloader.dataset"
    options = {f"{place}.corruption": "fog", f"{place}.severity": 3, f"{place}.source": "fly"}
    with pytest.raises(ConfigError, match="takes no 'corruption'"):
        check_options(seg, options)
    check_options(seg, {**options, f"{place}.type": "mmfan.CityscapesCDataset"})
    init = "model.backbone.init_cfg"
    check_options(seg, {f"{init}.checkpoint": "a.pth", f"{init}.type": "Pretrained"})
    with pytest.raises(ConfigError, match="did you mean 'checkpoint'"):
        check_options(seg, {f"{init}.chekpoint": "a.pth", f"{init}.type": "Pretrained"})
    assert "type" not in (seg.model.backbone.get("init_cfg") or {})


def test_a_variable_of_the_config_is_no_setting(seg):
    with pytest.warns(UserWarning, match=r"data_root is a variable of the config.*; set train_dataloader\.dataset\."):
        check_options(seg, {"data_root": "elsewhere"})


def test_a_new_key_of_which_nothing_is_known_is_told(seg):
    with pytest.warns(UserWarning, match=r"model\.test_cfg has no 'crop_size' so far, and nothing says whether"):
        check_options(seg, {"model.test_cfg.crop_size": [64, 64]})


class Base:
    def __init__(self, first, *, second=2):
        pass


class HandsOn(Base):
    def __init__(self, third=3, **keywords):
        super().__init__(1, **keywords)


class Swallows(Base):
    def __init__(self, third=3, **keywords):
        super().__init__(1)


class Uses(Base):
    def __init__(self, third=3, **keywords):
        super().__init__(1)
        self.more = dict(keywords)


def function(fourth, **keywords):
    return fourth, keywords


@pytest.mark.parametrize(
    ("kind", "names", "others"),
    [
        (Base, {"first", "second"}, False),
        (HandsOn, {"first", "second", "third"}, False),
        (Swallows, {"third", "first", "second"}, False),
        (Uses, {"third"}, True),
        (function, {"fourth"}, True),
    ],
)
def test_signatures(kind, names, others):
    from mmfan.apis.accepted_keys import accepted_keys

    found = accepted_keys({"type": kind}, "place", None)
    assert (found.names, found.others) == (names | {"type"}, others)
