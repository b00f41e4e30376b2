"""Making corrupted sets (Cityscapes-C, COCO-C, any folder) on disk, and verifying them.

Needs NumPy, OpenCV, Pillow and numba, and nothing of torch or OpenMMLab. ``make_plan`` checks what is asked for,
``make_corrupted_set`` makes it, ``verify_set`` reads it again; :mod:`~mmfan.datasets.corrupted.layout` says where the
files are and :mod:`~mmfan.datasets.corrupted.manifest` what is recorded of them.
"""

from mmfan.datasets.corrupted.layout import Listing, cell_folder, list_pictures
from mmfan.datasets.corrupted.making.lock import BusyTargetError
from mmfan.datasets.corrupted.making.make import DiskFullError, Making, free_space, make_corrupted_set
from mmfan.datasets.corrupted.making.plan import Plan, make_plan
from mmfan.datasets.corrupted.making.survey import Survey, survey
from mmfan.datasets.corrupted.manifest import Manifest, manifest_path, read_manifest
from mmfan.datasets.corrupted.record import MixedSetError, SetRecord, read_record
from mmfan.datasets.corrupted.verify import Verification, verify_set
from mmfan.errors import WorkerDiedError
from mmfan.utils.processes.shards import Shard, parse_shard, shard_from_environment
from mmfan.utils.resources import default_workers

__all__ = [
    "BusyTargetError",
    "DiskFullError",
    "Listing",
    "Making",
    "Manifest",
    "MixedSetError",
    "Plan",
    "SetRecord",
    "Shard",
    "Survey",
    "Verification",
    "WorkerDiedError",
    "cell_folder",
    "default_workers",
    "free_space",
    "list_pictures",
    "make_corrupted_set",
    "make_plan",
    "manifest_path",
    "parse_shard",
    "read_manifest",
    "read_record",
    "shard_from_environment",
    "survey",
    "verify_set",
]
