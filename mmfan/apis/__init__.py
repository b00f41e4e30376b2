"""The Python API of models: reading a config, building the Runner, inference. No command builds a Runner by hand."""

from mmfan.apis.checkpoint import read_checkpoint
from mmfan.apis.classification import classify
from mmfan.apis.config import load_config
from mmfan.apis.detection import detect
from mmfan.apis.inference import init_model, predict, read_picture
from mmfan.apis.runner import build_runner
from mmfan.errors import ConfigError
from mmfan.models.safe_load import CheckpointError
from mmfan.visualization.coco_results import Detections

__all__ = [
    "CheckpointError",
    "ConfigError",
    "Detections",
    "build_runner",
    "classify",
    "detect",
    "init_model",
    "load_config",
    "predict",
    "read_checkpoint",
    "read_picture",
]
