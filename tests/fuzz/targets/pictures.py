"""Picture files of all formats, as pictures and as labels: headers, chunks and data changed, cut and joined."""

import random
import zlib

from helpers.kinds_of_pictures import KINDS, chunk, scene, turned

from fuzz.mutations import mutate_bytes
from mmfan.apis.inference import read_picture
from mmfan.datasets.corrupted.codec import decode_picture, is_whole, picture_damage, picture_size
from mmfan.datasets.prepare.camvid import convert_pair
from mmfan.datasets.transforms.load_image import LoadImageFromFile
from mmfan.datasets.transforms.load_labels import LoadSegAnnotations
from mmfan.evaluation.results.pictures import find_pictures
from mmfan.picture_files import stated_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and data of the chunks of a PNG."""
    found, at = [], len(SIGNATURE)
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += size + 12
    return found


def odd_chunk(rng: random.Random) -> bytes:
    """A chunk that some reader trips over."""
    kind = rng.choice(
        (b"tEXt", b"zTXt", b"iCCP", b"acTL", b"fcTL", b"fdAT", b"IHDR", b"PLTE", b"tRNS", b"sBIT", b"eXIf")
    )
    data = rng.choice((
        b"", b"a\0\0" + zlib.compress(bytes(1 << 20)), rng.randbytes(rng.choice((1, 4, 8, 26, 300))),
        bytes.fromhex("0000000200000000"), bytes(26),
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
    ))  # fmt: skip
    return chunk(kind, data)


def mutate_png(rng: random.Random, content: bytes) -> bytes:
    """A PNG with its chunks changed, left out, repeated or others put in; checksums are right again."""
    parts = chunks_of(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(parts))
        kind, data = parts[at]
        what = rng.randrange(7)
        if what == 0 and len(parts) > 1:
            del parts[at]
        elif what == 1:
            parts.insert(rng.randrange(len(parts) + 1), parts[at])
        elif what == 2:
            other = rng.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        elif what == 3 and kind == b"IDAT":
            parts[at] = (kind, changed_rows(rng, data))
        elif what == 4:
            at = next((place for place, (name, _) in enumerate(parts) if name == b"IHDR"), at)
            parts[at] = (parts[at][0], mutate_bytes(rng, parts[at][1]))
        else:
            parts[at] = (kind, mutate_bytes(rng, data))
    made = [chunk(*each) for each in parts]
    if rng.random() < 0.3:
        made.insert(rng.randrange(len(made) + 1), odd_chunk(rng))
    return SIGNATURE + b"".join(made)


def changed_rows(rng: random.Random, data: bytes) -> bytes:
    """The rows of an IDAT changed, cut or lengthened, and packed again."""
    try:
        rows = zlib.decompress(data)
    except zlib.error:
        return data
    return zlib.compress(rng.choice((mutate_bytes(rng, rows), rows[: len(rows) // 2], rows * 3, b"")))


class Target:
    """A picture, ``a.png``, which is also its own label and a picture beside results; what is in it says its format."""

    def __init__(self):
        self.files = [scene(name, mode) for name, mode in KINDS]
        self.files += [turned(name) for name in ("JPEG", "PNG", "TIFF")]
        self.files += [scene("JPEG", progressive=True), scene("TIFF", compression="tiff_lzw")]
        self.files += [scene("TIFF", compression="jpeg"), scene("TIFF", compression="tiff_deflate")]
        self.files += [scene("WEBP", lossless=True), scene("PNG", compress_level=0)]
        self.sound = scene("PNG")

    def make(self, rng, folder):
        content = rng.choice(self.files)
        if content.startswith(SIGNATURE) and rng.random() < 0.7:
            content = mutate_png(rng, content)
        elif rng.random() < 0.98:
            content = mutate_bytes(rng, content, tuple(self.files), head=rng.choice((0, 40, 200, 700)))
        (folder / "a.png").write_bytes(content)
        (folder / "sound.png").write_bytes(self.sound)
        for place in ("input", "truth", "m"):
            path = folder / "run.jsonl.pictures" / place / ("" if place == "truth" else "clean-0") / "a.png"
            path.parent.mkdir(parents=True)
            path.write_bytes(self.sound if place == "input" else content)

    def doors(self, folder):
        path = folder / "a.png"
        yield "infer", lambda: self._seen(path)
        yield "stated size", lambda: stated_size(path)
        yield "corrupt", lambda: self._corrupted(path)
        for backend in ("cv2", "pillow"):
            for colours in ("color", "grayscale", "unchanged"):
                step = LoadImageFromFile(imdecode_backend=backend, color_type=colours)
                yield f"load, {backend}, {colours}", lambda step=step: step({"img_path": str(path)})
        yield "label", lambda: self._label(path)
        yield "report", lambda: find_pictures([(folder / "run.jsonl", "m")], [])
        yield "prepare", lambda: convert_pair(path, path, folder / "i.png", folder / "l.png", {0: 1, 255: 255})

    def _seen(self, path):
        rows, columns = read_picture(path).shape[:2]
        assert {rows, columns} == {*stated_size(path)}, "what is decoded has another size than the header states"

    def _corrupted(self, path):
        picture_size(path)
        is_whole(path, "jpeg")
        damage = picture_damage(path.read_bytes())
        decode_picture(path.read_bytes())
        assert damage is None, "what is damaged was decoded"

    def _label(self, path):
        step = LoadSegAnnotations()
        step({"img_path": str(path), "seg_map_path": str(path), "seg_fields": [], "reduce_zero_label": False})
