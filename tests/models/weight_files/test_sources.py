"""Downloads are whole, checked and kept; other prefixes are looked up in mmengine's tables or refused by name."""

import hashlib
import json

import pytest
import torch
from helpers.file_server import serve

from mmfan.models.safe_load import CheckpointError
from mmfan.models.weight_files.sources import address_of, cached_path, is_remote, local_file

pytestmark = pytest.mark.slow


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "served").mkdir()
    torch.save({"a": torch.ones(3)}, tmp_path / "served" / "plain.pth")
    content = (tmp_path / "served" / "plain.pth").read_bytes()
    (tmp_path / "served" / f"named-{hashlib.sha256(content).hexdigest()[:8]}.pth").write_bytes(content)
    (tmp_path / "served" / "named-0123abcd.pth").write_bytes(content)
    (tmp_path / "served" / "page.pth").write_text("<html>log in</html>")
    return tmp_path / "served"


def leftovers(cache):
    return [path.name for path in cache.rglob("*") if path.is_file()]


def test_a_hash_in_the_name_is_checked(cache, folder):
    good = next(path.name for path in folder.glob("named-*.pth") if path.name != "named-0123abcd.pth")
    with serve(folder) as (address, _):
        assert local_file(f"{address}/{good}") == cache / good
        assert (cache / good).read_bytes() == (folder / good).read_bytes()
        with pytest.raises(CheckpointError, match=r"SHA-256 [0-9a-f]{64}, not the 0123abcd\.\.\. of its name"):
            local_file(f"{address}/named-0123abcd.pth")
    assert leftovers(cache) == [good]


def test_two_urls_with_one_name_are_two_files(cache, folder, tmp_path):
    (tmp_path / "other").mkdir()
    torch.save({"a": torch.zeros(3)}, tmp_path / "other" / "plain.pth")
    with serve(folder) as (one, asked), serve(tmp_path / "other") as (two, _):
        first, second = local_file(f"{one}/plain.pth"), local_file(f"{two}/plain.pth")
        assert local_file(f"{one}/plain.pth") == first
        assert asked == ["/plain.pth"]
    assert first.read_bytes() == (folder / "plain.pth").read_bytes()
    assert second.read_bytes() == (tmp_path / "other" / "plain.pth").read_bytes()
    assert first.name == "plain.pth"


def test_a_broken_download_leaves_nothing(cache, folder):
    with (
        serve(folder, cut=10) as (address, _),
        pytest.raises(CheckpointError, match=r"Could not download .*plain\.pth"),
    ):
        local_file(f"{address}/plain.pth")
    with serve(folder) as (address, _):
        with pytest.raises(CheckpointError, match="what came is a web page"):
            local_file(f"{address}/page.pth")
        with pytest.raises(CheckpointError, match="404"):
            local_file(f"{address}/nothing.pth")
    with pytest.raises(CheckpointError, match=r"Could not download .*Download it by hand"):
        local_file(f"{address}/plain.pth")  # nobody answers any more
    assert leftovers(cache) == []
    (cache / "plain.pth").write_bytes(b"from an older version, or of another address")
    with pytest.raises(CheckpointError, match=r"A file of that name is .*checkpoints/plain\.pth; if it is this one"):
        local_file(f"{address}/plain.pth")


def test_names_of_mmengines_tables(tmp_path, monkeypatch):
    """The addresses are those of mmengine's own files."""
    assert address_of("torchvision://resnet50").startswith("https://download.pytorch.org/models/resnet50-")
    assert address_of("modelzoo://resnet50") == address_of("torchvision://resnet50")
    assert address_of("open-mmlab://resnet50_v1c").endswith("/resnet50_v1c-2cccc1ad.pth")
    assert address_of("openmmlab://resnet50_v1c") == address_of("open-mmlab://resnet50_v1c")
    assert address_of("mmcls://vgg11").endswith("/vgg11_batch256_imagenet_20210208-4271cd6c.pth")
    monkeypatch.setenv("MMENGINE_HOME", str(tmp_path))
    (tmp_path / "open_mmlab.json").write_text(json.dumps({"mine": "mine.pth"}))
    assert local_file("open-mmlab://mine") == tmp_path / "mine.pth"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("torchvision://nonsense", "no 'nonsense' among mmengine's weights for torchvision://"),
        ("s3://bucket/a.pth", r"not read from s3://bucket/a\.pth: s3:// is none of http://.*Download the file"),
        ("modelscope://a/b", "modelscope:// is none of"),
        ("file:///folder/a.pth", "file:// is none of"),
        ("pavi://a", "pavi:// is none of"),
    ],
)
def test_other_names_and_prefixes_are_refused(source, message):
    with pytest.raises(CheckpointError, match=message):
        local_file(source)


def test_paths_are_paths(tmp_path):
    assert local_file(tmp_path / "a.pth") == tmp_path / "a.pth"
    assert not is_remote("C:/a.pth")
    assert cached_path("https://x.org/a%20b.pth?download=true").name == "a b.pth"
