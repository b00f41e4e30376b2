"""Adapters from models of other libraries to :func:`mmfan.judge`; each imports its library when it is used."""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "classes": ["ClassFit"],
        "hugging_face": ["HuggingFaceDetector", "HuggingFaceSegmentor"],
        "onnx_runtime": ["OnnxClassifier", "OnnxDetector", "OnnxSegmentor"],
        "openvino_runtime": ["OpenVinoDetector", "OpenVinoSegmentor"],
        "preprocessing": ["Preprocessing"],
        "supervision_detections": ["from_supervision", "to_supervision"],
        "torch_classifier": ["TorchClassifier"],
        "torch_modules": ["TorchDetector", "TorchSegmentor"],
        "ultralytics_results": ["UltralyticsDetector", "from_ultralytics"],
    },
)
