"""Names of models, data sets, classes, groups and pictures, taken into every form of report and into folders."""

import csv
import html.parser
import io
import re
from collections import Counter
from pathlib import PurePosixPath

import numpy as np
from helpers.small_results import PROTOCOL, records, write

from fuzz.mutations import TEXTS
from mmfan.corruptions.cell import CLEAN
from mmfan.datasets.corrupted import list_pictures, make_corrupted_set, make_plan, verify_set
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.figures import plots
from mmfan.evaluation.report.formats import FORMATS
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.results.picture_writer import PictureWriter
from mmfan.evaluation.results.pictures import find_pictures
from mmfan.evaluation.results.store import ResultsStore
from mmfan.utils.files import write_whole

PIECES = (
    *TEXTS, "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\\input{x}", "\\end{table}", "%", "&", "#", "_", "^",
    "{", "}", "</td>", "<img src=x onerror=alert(1)>", '"', "'", "](x)", "![x](y)", "$\\frac{1}$", "\u202e", "\x1b[31m",
    "\x85", "input", "truth", "con", "NUL", ".", "...", "-", "--", "C:\\x", "a\\b", "//", "name ", " name", "\ufeff",
)  # fmt: skip
COMMANDS = re.compile(r"\\[A-Za-z]+")
_COMMENT = re.compile(r"^%.*$", re.MULTILINE)
ESCAPES = {
    *(r"\textbackslash", r"\textasciitilde", r"\textasciicircum", r"\textless", r"\textgreater", r"\textbar"),
    *(r"\pm", r"\dagger"),
}


class _Tags(html.parser.HTMLParser):
    """Counts tags and the names of their attributes."""

    def __init__(self):
        super().__init__()
        self.found = Counter()

    def handle_starttag(self, tag, attrs):
        self.found[(tag, *sorted(name for name, _ in attrs))] += 1

    def handle_comment(self, data):
        self.found["comment"] += 1


def tags(text):
    """What a page is made of."""
    reader = _Tags()
    reader.feed(text)
    return reader.found


def any_name(rng):
    """A name of one to three odd pieces."""
    return "".join(rng.choice((*PIECES, "a", "fan")) for _ in range(rng.choice((1, 1, 2, 3))))


def first_parts(latex):
    """LaTeX without the further parts of tables that are too wide for one: how many there are depends on the names."""
    return "\n\n".join(part for part in latex.split("\n\n") if not re.search(r"\\label\{\S+-\d+\}", part)).rstrip()


class Target:
    """``names.txt``: names as the literal of a list."""

    def make(self, rng, folder):
        (folder / "names.txt").write_text(ascii([any_name(rng) for _ in range(8)]))

    def doors(self, folder):
        import ast

        given = ast.literal_eval((folder / "names.txt").read_text())
        yield "reports", lambda: self._reports(folder, given)
        if sum(map(len, given)) % 4 == 0:  # they take a second
            yield "plots", lambda: plots(self._report(folder, given))
        yield "pictures", lambda: self._pictures(folder, given)
        yield "counts", lambda: self._counts(folder, given)
        yield "set", lambda: self._set(folder, given)
        yield "protocol", lambda: get_protocol({"name": given[0], "corruptions": given[1:3], "source": given[3]})

    def _report(self, folder, given):
        model, other, dataset, first, second, note, group, source = given
        lines = [
            {**record, "dataset": dataset or "d", "note": note, "classes": [first, second],
             "per_class": {"IoU": {first: 0.5, second: 0.25}}}
            for name in dict.fromkeys((model or "m", other or "n"))
            for record in records(name)
        ]  # fmt: skip
        path = write(folder / "run.jsonl", lines)
        groups = {group or "g": ["fog"], "digital": ["contrast"]}
        described = {**PROTOCOL, "groups": groups, "source": source, "name": (source or "p")[:40]}
        return build_report(read_runs([path]), get_protocol(described), "mIoU")

    def _reports(self, folder, given):
        plain = [word if word == "" else "abcdefgh"[at] for at, word in enumerate(given)]
        plain[1] = plain[0] if given[1] == given[0] else plain[1]
        plain[4] = plain[3] if given[4] == given[3] else plain[4]
        if given[6] == "digital" or not given[5].strip():
            return
        odd, usual = self._report(folder, given), self._report(folder, plain)
        texts = {name: (form(odd), form(usual)) for name, form in FORMATS.items()}
        for name, (text, simple) in texts.items():
            text.encode()
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", text), (
                f"{name}: control characters"
            )
            if name == "latex":
                text, simple = first_parts(text), first_parts(simple)
            if name != "json":
                assert text.count("\n") == simple.count("\n"), f"{name}: more lines than with usual names"
        rows, simple_rows = (list(csv.reader(io.StringIO(text))) for text in texts["csv"])
        assert [len(row) for row in rows] == [len(row) for row in simple_rows], "csv: other columns"
        formulas = [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@") and not _is_number(cell)]
        assert not formulas, f"csv: formulas {formulas}"
        commands, simple_commands = (set(COMMANDS.findall(_COMMENT.sub("", text))) for text in texts["latex"])
        assert commands <= simple_commands | ESCAPES, f"latex: commands {commands - simple_commands}"
        pages = as_html(odd, []), as_html(usual, [])
        assert tags(pages[0]) == tags(pages[1]), "html: other tags than with usual names"

    def _pictures(self, folder, given):
        model, *_, name = given
        results = folder / "run.jsonl"
        writer = PictureWriter(results, model or "m", [[0, 0, 0], [9, 9, 9]])
        picture = np.full((8, 8, 3), 100, np.uint8)
        shown = str(PurePosixPath("town") / f"{name}.png".lstrip("/")) if ".." not in name else "town/x.png"
        writer.write_input(CLEAN, shown, picture)
        before = {path: path.read_bytes() for path in folder.rglob("*.png")}
        writer.write_prediction(CLEAN, shown, np.ones((8, 8), np.uint8))
        writer.write_truth(shown, np.ones((8, 8), np.uint8))
        assert {path: path.read_bytes() for path in before} == before, "a prediction took the place of an input"
        assert all(path.is_relative_to(f"{results}.pictures") for path in folder.rglob("*.png"))
        assert len(find_pictures([(results, model or "m")], [])) == 1, "what was written is not found"

    def _counts(self, folder, given):
        store = ResultsStore(folder / "counts.jsonl")
        record = {**records(given[0] or "m")[0], "dataset": given[2] or "d"}
        names = list(dict.fromkeys(given[3:5]))
        record["counts"] = store.write_counts(record, np.zeros((len(names), 1, 3), int), names, ["c"])
        store.append(record)
        assert store.records()[0]["model"] == (given[0] or "m")
        assert store.read_counts(store.records()[0]).pictures == tuple(names)

    def _set(self, folder, given):
        sound = _picture()
        for name in given:
            safe = name.replace("/", "_").replace("\0", "")
            path = folder / "clean" / f"x{safe}.png"
            try:
                write_whole(path, sound)
            except (OSError, UnicodeEncodeError):  # no name of a file here
                continue
        plan = make_plan(folder / "clean", folder / "set", [("contrast", 1)])
        done = make_corrupted_set(plan, workers=1)
        if done.failures:
            raise MMFanError(" ".join(map(repr, done.failures)))
        assert not verify_set(folder / "set", list_pictures(folder / "clean")).problems


def _picture():
    from helpers.kinds_of_pictures import scene

    return scene("PNG")


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
