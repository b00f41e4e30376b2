"""The yardstick: a plain form of the segmentor, and time, memory and operation counts side by side.

``plain`` writes FAN and its head out the straightforward way (tests use it as an independent reference); ``timing``,
``memory`` and ``floor`` measure any two pieces of work; ``workload`` pairs the plain form with mmfan's own;
``compare`` measures both, ``page`` prints. ``corruptions`` does all of it for the corruptions beside the reference
package, without torch, ``detector`` for the memory of detection.
``mmfan bench`` puts them together. Nothing here is imported by the models.
"""
