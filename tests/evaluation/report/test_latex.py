"""LaTeX of a report: by hand, escaped, and compiled where a TeX is found."""

import re
import shutil
import subprocess

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, with_classes, write

from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.latex import as_latex, latex_escape, latex_table
from mmfan.evaluation.report.published import published_rows
from mmfan.utils.tables import Rivals, Table

TABLE = Table(
    "A title",
    "a caption, 50 %",
    ("model_name", "clean", "mCE"),
    (
        ("a|b", "80.0 ± 0.1", "90.0"),
        ("c", "80.0", "-"),
        ("[d]", "79.9 [70.0, 88.8]", "70.0 (fog 5)"),
        ("e", "99.0", "1"),
    ),
    1,
    (3,),
    Rivals(((0, 1, 2),), lower=("mCE",)),
)
HOSTILE = r"\input{/etc/passwd} fan_t & 50% {x} ~^$# <|> ''--`` ?` ^^M"


def make(tmp_path, *groups, **more):
    path = write(tmp_path / "a.jsonl", *(groups or (records(),)))
    return build_report(read_runs([path]), more.pop("protocol", PROTOCOL), **more)


def test_a_table():
    assert latex_table(TABLE) == (
        "\\begin{table}\n"
        "\\centering\n"
        "\\caption{A title. A caption, 50 \\%.}\n"
        "\\label{tab:robustness:a-title}\n"
        "\\small\n"
        "\\setlength{\\tabcolsep}{4pt}\n"
        "\\begin{tabular}{@{}lrr@{}}\n"
        "\\toprule\n"
        "model\\_name & clean & mCE \\\\\n"
        "\\midrule\n"
        "a\\textbar{}b & \\textbf{80.0} $\\pm$ 0.1 & 90.0 \\\\\n"
        "c & \\textbf{80.0} & - \\\\\n"
        "{}[d] & 79.9 [70.0, 88.8] & \\textbf{70.0} (fog 5) \\\\\n"
        "\\midrule\n"
        "e & 99.0 & 1 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\end{table}"
    )


def test_the_best_of_a_row_where_models_are_columns(tmp_path):
    worse = {cell: score / 2 for cell, score in SCORES.items()} | {("clean", 0): 0.8}
    text = as_latex(make(tmp_path, records("a"), records("b", worse)))
    assert "fog & \\textbf{50.0} & 25.0 \\\\" in text
    assert "clean & \\textbf{80.0} & \\textbf{80.0} \\\\" in text
    # lower is better: from 80 to 40 in two steps, and from 80 to 20
    assert "drop a step & \\textbf{20.0} & 30.0 \\\\" in text


def test_published_rows_of_other_protocols_do_not_compete(tmp_path):
    rows = published_rows(["SegFormer-B5", "FAN-T-Hybrid"], metric="mIoU")
    own = records("a", dict.fromkeys([("clean", 0), *PROTOCOLS["kamann16"].cells], 0.825))
    text = as_latex(make(tmp_path, own, protocol="kamann16", published=rows))
    assert "a & \\textbf{82.5} & \\textbf{82.5} & \\textbf{100.0} \\\\" in text
    assert "SegFormer-B5 [1] & 82.4 & 65.8 & 79.9 \\\\" in text
    assert "FAN-T-Hybrid [2] & 81.2 & 57.1 & 70.3 \\\\" in text
    assert "on another protocol, or on one that is not stated: FAN-T-Hybrid [2]" in text
    assert "% [1] SegFormer, arXiv 2105.15203, Table 5" in text


def test_the_first_table_is_narrow_unless_columns_are_named(tmp_path):
    assert "model & clean & corrupted & retention \\\\" in as_latex(make(tmp_path))
    assert "table*" not in as_latex(make(tmp_path, records("FAN-B-Hybrid"), records("SegFormer-B5")))
    assert "table*" in as_latex(make(tmp_path, records("a model whose name is as long as a line of a column")))
    report = make(tmp_path, columns=["weather", "Worst_type", "retention"])
    assert "model & weather & worst type & retention \\\\" in as_latex(report)
    assert "fan-t & 50.0 & 30.0 (contrast) & 50.0 \\\\" in as_latex(report)


def test_labels_are_unique(tmp_path):
    found = re.findall(r"\\label\{(.*?)\}", as_latex(make(tmp_path, with_classes(records(), {"car": 1.0}))))
    assert found[:2] == ["tab:robustness:overview", "tab:robustness:miou-by-corruption"]
    assert len(found) == len(set(found)) == 6


def test_names_are_escaped(tmp_path):
    text = as_latex(make(tmp_path, records("fan_t & 50% {x} \\y ~^$#")))
    assert r"fan\_t \& 50\% \{x\} \textbackslash{}y \textasciitilde{}\textasciicircum{}\$\#" in text
    assert text.startswith("% needs \\usepackage{booktabs}\n% Protocol small: 3 cells")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 4
    assert latex_escape("''--`` ?`") == "'{}'-{}-`{}` ?{}`"


def test_what_is_wider_than_a_page_comes_in_parts():
    names = [f"a model of a rather long name, number {at}" for at in range(6)]
    table = Table(
        "T", "c", ("corruption", *names), (("fog", "1", "2", "3", "4", "5", "6"),),
        rivals=Rivals((tuple(range(1, 7)),), across=True),
    )  # fmt: skip
    text = latex_table(table)
    assert re.findall(r"T \((\d) of 3\)", text) == ["1", "2", "3"]
    assert re.findall(r"\\label\{(.*?)\}", text) == [f"tab:robustness:t{end}" for end in ("", "-2", "-3")]
    # the best of all, not of each part
    assert re.findall(r"textbf\{(\d)\}", text) == ["6"]
    assert re.findall(r"fog & (.*?) \\\\", text) == ["1 & 2", "3 & 4", "5 & \\textbf{6}"]


PAGE = r"""\documentclass[twocolumn]{article}
\usepackage[letterpaper,margin=0.75in,columnsep=0.3125in]{geometry}
\usepackage{booktabs}
\begin{document}
%s
Table~\ref{tab:robustness:overview}
\end{document}
"""


def test_it_compiles_and_fits(tmp_path):
    """In the columns of the usual conference styles, 3.25 inches wide."""
    tex = shutil.which("pdflatex") or shutil.which("tectonic")
    if tex is None:
        pytest.skip("no pdflatex and no tectonic here (Debian: texlive-latex-base, texlive-latex-recommended)")
    scores = dict.fromkeys([("clean", 0), *PROTOCOLS["kamann16"].cells], 0.5)
    found = with_classes(records(HOSTILE, scores, note=HOSTILE), {HOSTILE: 1.0, "car": 0.5})
    seeds = [records(f"fan_s{at}", dict.fromkeys(scores, 0.5 + at / 100)) for at in range(2)]
    rows = published_rows(dataset="cityscapes", metric="mIoU")
    path = write(tmp_path / "a.jsonl", found, *seeds)
    report = build_report(
        read_runs([path]), "kamann16", published=rows, groups={"fan": ["fan_s0", "fan_s1"]}, reference="SegFormer-B5"
    )
    (tmp_path / "page.tex").write_text(PAGE % as_latex(report), encoding="utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in tex else ["--keep-logs"]
    done = subprocess.run(
        [tex, *options, "page.tex"], cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    wide = [line for line in log.splitlines() if line.startswith("Overfull \\hbox")]
    assert not wide, wide
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
