"""A made-up COCO set of three pictures, and a config of a detector of mmdetection that is small enough for a test."""

import json

import cv2
import numpy as np

SIZE = (64, 80)  # height, width

CONFIG = """
_base_ = ["mmdet::_base_/models/retinanet_r50_fpn.py", "mmdet::_base_/default_runtime.py"]
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=16),
    bbox_head=dict(num_classes=2, in_channels=16, feat_channels=16, stacked_convs=1),
    # so many boxes are kept, however unsure the untrained model is, that some are right
    test_cfg=dict(score_thr=0.0, nms_pre=2000, max_per_img=1000, nms=dict(type="nms", iou_threshold=0.95)),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="CocoDataset",
        data_root="{root}",
        ann_file="instances.json",
        data_prefix=dict(img="val2017/"),
        metainfo=dict(classes=("box", "disc"), palette=[(255, 0, 0), (0, 0, 255)]),
        test_mode=True,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="Resize", scale=(80, 64), keep_ratio=True),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
        ],
    ),
)
test_evaluator = dict(type="CocoMetric", ann_file="{root}/instances.json", metric="bbox")
test_cfg = dict(type="TestLoop")
"""


def write_coco(root, pictures=3):
    """Draw the set; returns the file of annotations."""
    rng = np.random.default_rng(0)
    images, annotations = [], []
    (root / "val2017").mkdir(parents=True, exist_ok=True)
    for number in range(1, pictures + 1):
        picture = rng.integers(0, 80, (*SIZE, 3)).astype(np.uint8)
        for category in (1, 2):
            x, y, side = int(rng.integers(0, 30)), int(rng.integers(0, 30)), int(rng.integers(12, 30))
            if category == 1:
                cv2.rectangle(picture, (x, y), (x + side, y + side), (255, 200, 0), -1)
            else:
                cv2.circle(picture, (x + side // 2, y + side // 2), side // 2, (0, 100, 255), -1)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": category, "bbox": [x, y, side, side],
                 "area": side * side, "iscrowd": 0}
            )  # fmt: skip
        name = f"{number:012d}.png"
        cv2.imwrite(str(root / "val2017" / name), picture)
        images.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
    categories = [{"id": 1, "name": "box"}, {"id": 2, "name": "disc"}]
    path = root / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def write_detector(folder):
    """Write set, config and checkpoint (of the model as it is built); returns the paths of the last two."""
    import torch
    from mmengine.registry import MODELS, DefaultScope

    from mmfan.apis import load_config

    write_coco(folder)
    config = folder / "detector.py"
    config.write_text(CONFIG.replace("{root}", folder.as_posix()))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(load_config(config).model)
    torch.save({"state_dict": model.state_dict(), "meta": {}}, folder / "detector.pth")
    return config, folder / "detector.pth"
