"""mmfan's registries: children of mmengine's roots, so that ``type='mmfan.X'`` works in any OpenMMLab config.

mmengine imports this module when it meets the prefix ``mmfan.``; the modules under ``locations`` are imported at the
first look-up, so that no ``custom_imports`` is needed and importing :mod:`mmfan` stays cheap. This file must import
nothing but mmengine: an ImportError raised here would be hidden behind "is not in the registry".
"""

from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import EVALUATOR as ROOT_EVALUATOR
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import LOOPS as ROOT_LOOPS
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS
from mmengine.registry import Registry

# backbones, heads, classifiers; models that are trained in another way
MODELS = Registry(
    "model", parent=ROOT_MODELS, scope="mmfan", locations=["mmfan.models.registered", "mmfan.training.registered"]
)
# datasets with a fixed directory rule
DATASETS = Registry("dataset", parent=ROOT_DATASETS, scope="mmfan", locations=["mmfan.datasets.registered"])
# steps of a data pipeline
TRANSFORMS = Registry("transform", parent=ROOT_TRANSFORMS, scope="mmfan", locations=["mmfan.datasets.registered"])
# orders of the pictures in training
DATA_SAMPLERS = Registry(
    "data sampler", parent=ROOT_DATA_SAMPLERS, scope="mmfan", locations=["mmfan.datasets.registered"]
)
# hooks of training
HOOKS = Registry("hook", parent=ROOT_HOOKS, scope="mmfan", locations=["mmfan.training.registered"])
# scores of one set, evaluators over several, the loops that run them
METRICS = Registry("metric", parent=ROOT_METRICS, scope="mmfan", locations=["mmfan.evaluation.registered"])
EVALUATOR = Registry("evaluator", parent=ROOT_EVALUATOR, scope="mmfan", locations=["mmfan.evaluation.registered"])
LOOPS = Registry("loop", parent=ROOT_LOOPS, scope="mmfan", locations=["mmfan.evaluation.registered"])
