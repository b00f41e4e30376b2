"""COCO-O as it is unpacked: six folders in COCO's form."""

import json

import pytest

from mmfan.cli import main
from mmfan.datasets.prepare.coco_o import DOMAINS, report_domain


def write_coco_o(root):
    for domain in DOMAINS:
        folder = root / domain
        (folder / "annotations").mkdir(parents=True)
        (folder / "val2017").mkdir()
        images = [{"id": n, "file_name": f"{n:012d}.jpg", "width": 40, "height": 32} for n in (1, 2)]
        for image in images:
            (folder / "val2017" / image["file_name"]).write_bytes(b"")
        boxes = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25, "iscrowd": 0}]
        content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "person"}]}
        (folder / "annotations/instances_val2017.json").write_text(json.dumps(content))
    return root


def test_counts(tmp_path, capsys):
    root = write_coco_o(tmp_path)
    assert report_domain(root, "weather").problems == []
    assert main(["prepare", "weather", "coco_o", str(root), "--allow-partial"]) == 0
    assert "tattoo: 2 pictures, 1 boxes" in capsys.readouterr().out
    assert main(["prepare", "weather", "coco_o", str(root)]) == 1
    assert "expected 6782 pictures and 26624 boxes, got 12 and 6." in capsys.readouterr().err


def test_what_is_missing(tmp_path, capsys):
    root = write_coco_o(tmp_path)
    (root / "sketch/val2017/000000000002.jpg").unlink()
    assert report_domain(root, "sketch").problems == ["sketch: 1 of 2 pictures are missing: 000000000002.jpg."]
    with pytest.raises(ValueError, match=r"COCO-O has the domains cartoon, handmake, .*, got 'drawing'"):
        report_domain(root, "drawing")
    (root / "sketch/annotations/instances_val2017.json").write_text("{}")
    with pytest.raises(ValueError, match=r"is not in COCO's form"):
        report_domain(root, "sketch")
    (root / "sketch/annotations/instances_val2017.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"sketch/annotations/instances_val2017.json. Expected <domain>"):
        report_domain(root, "sketch")
