"""Turn a published FAN file into an mmfan checkpoint: an ImageNet backbone, or a whole segmentor.

    mmfan convert fan_hybrid_tiny.pth.tar fan_hybrid_tiny_mmfan.pth
    mmfan convert published_segmentor.pth segmentor_mmfan.pth

Official backbones also load as they are, with init_cfg=dict(type='Pretrained', checkpoint=FILE); this command is for
segmentors, whose head has other names, and for keeping small files without optimiser state. The result is checked key
by key against the published model it turns out to be, and the config of that model is printed. --ema takes the averaged
weights of the file. Exit status 2: a missing or unreadable file, weights of no published model, an existing target.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

from mmfan.cli.options import make_command_parser
from mmfan.utils.files import whole_file
from mmfan.version import __version__


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = make_command_parser(prog, __doc__)
    parser.add_argument("source", help="published file or its URL")
    parser.add_argument("target", type=Path, help="file to write")
    parser.add_argument("--ema", action="store_true", help="take the averaged weights (state_dict_ema)")
    parser.add_argument("--force", action="store_true", help="replace the target if it exists")
    return parser


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Read, convert, check, write."""
    if args.target.exists() and not args.force:
        parser.error(f"{args.target} exists; --force replaces it")
    import torch

    from mmfan.models.identify import identify
    from mmfan.models.official_weights import convert_official, read_official_weights

    state = convert_official(read_official_weights(args.source, args.ema))
    configs = identify(state)
    meta = {"source": str(args.source), "ema": args.ema, "mmfan": __version__, **configs}
    content = io.BytesIO()  # torch's own writing says of a full disk only that it failed
    torch.save({"state_dict": state, "meta": meta}, content)
    with whole_file(args.target) as part:
        part.write_bytes(content.getbuffer())
    print(f"{args.target}: {len(state)} tensors, {sum(t.numel() for t in state.values()) / 1e6:.2f} M numbers")
    print(json.dumps(configs, indent=2))
    return 0
