"""A config of DINO, a detection transformer with denoising queries, that is small enough for a test."""

from helpers.tiny_retinanet import CONFIG, write_coco

# as wide as published: mmdetection 3.3 encodes the places of queries for no other width
MODEL = """
_base_ = ["mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py"]
model = dict(
    num_queries=20,
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=[128, 256, 512]),
    encoder=dict(num_layers=1, layer_cfg=dict(ffn_cfg=dict(feedforward_channels=32))),
    decoder=dict(num_layers=1, layer_cfg=dict(ffn_cfg=dict(feedforward_channels=32))),
    bbox_head=dict(num_classes=2),
    dn_cfg=dict(group_cfg=dict(num_dn_queries=4)),
    test_cfg=dict(max_per_img=20),
)
"""


def write_dino(folder):
    """Write set, config and checkpoint (of the model as it is built); returns the paths of the last two."""
    import torch
    from mmengine.registry import MODELS, DefaultScope

    from mmfan.apis import load_config

    write_coco(folder)
    config = folder / "dino.py"
    data = CONFIG[CONFIG.index("test_dataloader") :].replace(
        "test_dataloader = dict(", "test_dataloader = dict(_delete_=True,", 1
    )
    data = data.replace("test_evaluator = dict(", "test_evaluator = dict(_delete_=True, ")
    config.write_text(MODEL + data.replace("{root}", folder.as_posix()))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(load_config(config).model)
    torch.nn.init.normal_(model.level_embed)  # as it is built it holds what was in memory, at times no numbers
    torch.save({"state_dict": model.state_dict(), "meta": {}}, folder / "dino.pth")
    return config, folder / "dino.pth"
