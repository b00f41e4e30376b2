"""Necks: the modules between a backbone and a detector's heads."""

from mmfan.models.necks.simple_feature_pyramid import SimpleFeaturePyramid

__all__ = ["SimpleFeaturePyramid"]
