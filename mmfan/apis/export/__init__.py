"""Segmentors out of the framework: ONNX, OpenVINO and TorchScript, checked against the model before they are kept."""

from mmfan.apis.export.export import Exported, export_model

__all__ = ["Exported", "export_model"]
