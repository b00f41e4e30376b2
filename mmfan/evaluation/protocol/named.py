"""The protocols of the literature, by name."""

from __future__ import annotations

from mmfan.corruptions import CBAR, COMMON, CORRUPTIONS, GROUPS, IMAGENET_C, SEVERITIES
from mmfan.evaluation.protocol.definition import CLEAN_PROTOCOL, Protocol, grid

_NOISE = ("gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise")
_BLUR = ("motion_blur", "defocus_blur", "glass_blur", "gaussian_blur")
# Kamann and Rother count brightness as digital; ImageNet-C and FAN's script count it as weather.
_KAMANN_GROUPS: dict[str, tuple[str, ...]] = {
    "blur": _BLUR,
    "noise": _NOISE,
    "digital": ("brightness", "contrast", "saturate", "jpeg_compression"),
    "weather": ("snow", "spatter", "fog", "frost"),
}
_KAMANN_TYPES = tuple(name for names in _KAMANN_GROUPS.values() for name in names)
_FAN_SCRIPT_GROUPS: dict[str, tuple[str, ...]] = {
    "blur": _BLUR,
    "noise": _NOISE,
    "digital": ("contrast", "jpeg_compression", "saturate", "pixelate"),
    "weather": ("snow", "fog", "frost", "spatter", "brightness"),
    "extra": ("zoom_blur", "elastic_transform"),
}
_FAN_SCRIPT_TYPES = tuple(name for names in _FAN_SCRIPT_GROUPS.values() for name in names)
_COMMON_GROUPS = {group: tuple(name for name in names if name in COMMON) for group, names in GROUPS.items()}

# the types with the form that differs in the place of the one in use
_IMAGENET_C = {name: IMAGENET_C[0] if name == "elastic_transform" else name for name in CORRUPTIONS}
_IMAGENET_C_GROUPS = {group: tuple(_IMAGENET_C[name] for name in names) for group, names in _COMMON_GROUPS.items()}
_IMAGENET_C19_GROUPS = {group: tuple(_IMAGENET_C[name] for name in names) for group, names in GROUPS.items()}

# The clean pictures alone: of sets that are the shift themselves, ImageNet-A, -R, -Sketch and -V2. It is none of those
# that are found by name, because every results file would be of it.
CLEAN_ONLY = Protocol(CLEAN_PROTOCOL, (), {}, "the clean pictures alone")

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "kamann16",
            grid({name: (1, 2, 3) if name in _NOISE else SEVERITIES for name in _KAMANN_TYPES}),
            _KAMANN_GROUPS,
            "Kamann and Rother, Benchmarking the Robustness of Semantic Segmentation Models, CVPR 2020 "
            "(arXiv 1908.05005), as used by SegFormer (arXiv 2105.15203, Table 5): noise at severities 1-3",
        ),
        Protocol(
            "fan_repo_s3",
            grid(dict.fromkeys(_FAN_SCRIPT_TYPES, (1, 2, 3))),
            _FAN_SCRIPT_GROUPS,
            "the Cityscapes-C script published with FAN (arXiv 2204.12451): every type at severities 1-3",
        ),
        Protocol(
            "stl_repo_s5",
            grid(dict.fromkeys(_FAN_SCRIPT_TYPES, SEVERITIES)),
            _FAN_SCRIPT_GROUPS,
            "the Cityscapes-C script published with STL (arXiv 2401.03844): every type at severities 1-5",
        ),
        Protocol(
            "common15",
            grid(dict.fromkeys(COMMON, SEVERITIES)),
            _COMMON_GROUPS,
            "Michaelis et al., Benchmarking Robustness in Object Detection, 2019 (arXiv 1907.07484): mPC and rPC of "
            "COCO-C; the 15 types of Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261)",
        ),
        Protocol(
            "fan16",
            grid(dict.fromkeys(_KAMANN_TYPES, SEVERITIES)),
            _KAMANN_GROUPS,
            "the COCO-C script published with FAN (arXiv 2204.12451): the 16 types of Cityscapes-C at severities 1-5",
        ),
        Protocol(
            "all19",
            grid(dict.fromkeys(CORRUPTIONS, SEVERITIES)),
            dict(GROUPS),
            "all types of Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261), the four held-out ones among them",
        ),
        Protocol(
            "level5",
            grid(dict.fromkeys(_KAMANN_TYPES, (5,))),
            _KAMANN_GROUPS,
            "Ding et al., HGFormer, CVPR 2023 (arXiv 2305.13031): the 16 types of Cityscapes-C at severity 5 alone",
        ),
        Protocol(
            "ssb15_s3",
            grid(dict.fromkeys(COMMON, (3,))),
            _COMMON_GROUPS,
            "Agnihotri et al., SemSegBench and DetecBench, 2025 (arXiv 2505.18015): the 15 types of Hendrycks and "
            "Dietterich at severity 3 alone; their GAM is the lowest of the 15",
        ),
        Protocol(
            "imagenet_c",
            grid(dict.fromkeys((_IMAGENET_C[name] for name in COMMON), SEVERITIES)),
            _IMAGENET_C_GROUPS,
            "Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261), with the elastic transform of its own pictures; "
            "those were stored as JPEG of quality 85, which these are not",
        ),
        Protocol(
            "imagenet_c19",
            grid(dict.fromkeys(_IMAGENET_C.values(), SEVERITIES)),
            _IMAGENET_C19_GROUPS,
            "Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261): imagenet_c with the four held-out types, which "
            "the scripts published with FAN (arXiv 2204.12451) judge too",
        ),
        Protocol(
            "cbar10",
            grid(dict.fromkeys(CBAR, SEVERITIES)),
            {},
            "Mintun et al., On Interaction Between Augmentations and Corruptions in Natural Corruption Robustness, "
            "NeurIPS 2021 (arXiv 2102.11273): the ten types of ImageNet-C-bar, unlike all of the others",
        ),
    )
}
