"""tools/report.py as a user runs it."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, write
from helpers.tiny_segmentor import run_tool

ROOT = Path(__file__).parents[2]
# a module that cannot be imported stands for one that is not installed
WITHOUT_TORCH = (
    "import runpy, sys\n"
    "for name in ('torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet'): sys.modules[name] = None\n"
    "sys.argv = ['report.py', *sys.argv[1:]]\n"
    f"runpy.run_path({str(ROOT / 'tools' / 'report.py')!r}, run_name='__main__')"
)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)


@pytest.fixture
def results(tmp_path):
    return write(tmp_path / "fan t.jsonl", records(), records("segformer", dict.fromkeys(SCORES, 0.2)))


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(PROTOCOL))
    return path


@pytest.mark.process
def test_markdown_by_default(results, protocol):
    done = run(results, "--protocol", protocol)
    assert done.returncode == 0, done.stderr
    assert "| fan-t     | small    |     3 |  80.0 |      40.0 |      50.0 |" in done.stdout
    assert "| segformer | small    |     3 |  20.0 |      20.0 |     100.0 |" in done.stdout
    assert done.stderr == ""


@pytest.mark.process
def test_json_and_csv_on_stdout_are_nothing_else(results):
    done = run(results, "--protocol", "recorded", "--format", "json")
    content = json.loads(done.stdout)
    assert [model["retention"] for model in content["models"]] == pytest.approx([0.5, 1.0])
    assert [model["cells"] for model in content["models"]] == [3, 3]
    done = run(results, "--corruptions", "fog", "--severities", "2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [float(row["retention"]) for row in rows] == pytest.approx([0.5, 1.0])
    assert {row["protocol"] for row in rows} == {"custom"}


@pytest.mark.process
def test_html_with_plots_and_published_rows(results, protocol, tmp_path):
    page, plots = tmp_path / "new" / "report.html", tmp_path / "plots"
    done = run(
        results, "--protocol", protocol, "--format", "html", "--out", page, "--plots", plots,
        "--published", "segformer-b5",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count('role="img"') == 5  # retention of two groups, curves of two types and their mean
    assert "data:image/" not in text  # no pictures were kept
    assert "SegFormer-B5 [1]" in text
    assert sorted(path.name for path in plots.iterdir()) == [
        "retention_by_corruption.png", "retention_map.png", "score_by_severity.png",
    ]  # fmt: skip
    # the screen still shows the most important table
    assert "| fan-t            | small    |     3 |  80.0 |" in done.stdout
    assert f"wrote {page}" in done.stderr


@pytest.mark.process
@pytest.mark.slow
def test_the_same_results_give_the_same_file(results, protocol, tmp_path):
    pages = [tmp_path / name for name in ("a.html", "b.html")]
    for page in pages:
        run(results, "--protocol", protocol, "--format", "html", "--out", page)
    assert pages[0].read_bytes() == pages[1].read_bytes()


@pytest.mark.process
@pytest.mark.slow
def test_a_gate_that_is_passed_and_one_that_is_not(results, protocol, tmp_path):
    expected = tmp_path / "expected.json"
    done = run(results, "--protocol", protocol, "--write-expect", expected, "--tolerance", 0.001)
    assert done.returncode == 0, done.stderr
    done = run(results, "--protocol", protocol, "--expect", expected)
    assert (done.returncode, done.stdout) == (0, "as expected: 18 numbers of 2 models, mIoU, small, 3 cells\n")

    worse = write(tmp_path / "worse.jsonl", records(scores={**SCORES, ("contrast", 1): 0.2}))
    done = run(worse, "--protocol", protocol, "--expect", expected, "--format", "json", "--out", tmp_path / "r.json")
    assert done.returncode == 1
    assert "report.py: differs: fan-t: corrupted is 0.35, expected 0.4 +- 0.001" in done.stderr
    assert "report.py: differs: segformer: not in the results, which have fan-t" in done.stderr
    assert (tmp_path / "r.json").is_file()

    missing = write(tmp_path / "missing.jsonl", records()[:3], records("segformer"))
    done = run(missing, "--protocol", protocol, "--expect", expected)
    assert done.returncode == 1
    assert "missing: contrast 1" in done.stderr

    nothing = write(tmp_path / "nan.jsonl", records(scores={**SCORES, ("fog", 1): None}), records("segformer"))
    done = run(nothing, "--protocol", protocol, "--expect", expected)
    assert done.returncode == 1
    assert "fan-t: mIoU is not a number in the cells fog 1" in done.stderr


@pytest.mark.process
def test_a_torn_last_line_is_a_warning(results, protocol):
    results.write_text(results.read_text() + '{"model": "fan')
    done = run(results, "--protocol", protocol)
    assert done.returncode == 0
    assert done.stderr.startswith("report.py: warning: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.jsonl"], "There is no results file none.jsonl"),
        (["RESULTS"], "do not say which protocol they are of"),
        (["RESULTS", "--protocol", "kamann16"], "missing: motion_blur 1/2/3/4/5"),
        (["RESULTS", "--protocol", "kamann16"], "again, which goes on with them; or add --partial"),
        (["RESULTS", "--model", "fann-t"], "Did you mean 'fan-t'"),
        (["RESULTS", "--protocol", "kaman16"], "Did you mean 'kamann16'"),
        (["RESULTS", "--protocol", "none.json"], "none.json"),
        (["RESULTS", "--protocol", "recorded", "--metric", "mAcc"], "No record has the metric 'mAcc'. There are mIoU"),
        (["RESULTS", "--corruptions", "fogg"], "did you mean 'fog'"),
        (["RESULTS", "--corruptions", "fog", "--severities", "6"], "fog has the severities 1, 2, 3, 4, 5, not 6"),
        (["RESULTS", "--severities", "1"], "--severities needs --corruptions"),
        (["RESULTS", "--corruptions", "fog", "--protocol", "all19"], "not both"),
        (["RESULTS", "--protocol", "recorded", "--published", "SegFormer-B9"], "Did you mean 'SegFormer-B"),
        (["RESULTS", "--expect", "none.json"], "none.json"),
        (["RESULTS", "--expect", "a.json", "--partial"], "--expect needs every cell"),
        (["RESULTS", "--tolerance", "0.1"], "--tolerance needs --expect, --write-expect or --check"),
        (["RESULTS", "--check", "a.json", "--published"], "take --check or --published, not both"),
        (["RESULTS", "--check", "a.json", "--format", "html"], "take --check or --format, not both"),
        (["RESULTS", "--pictures", "-1"], "expected a whole number of at least 0"),
        (["RESULTS", "--protocol", "recorded", "--out", "tools"], "tools"),
        (["RESULTS", "--format", "pdf"], "invalid choice: 'pdf'"),
    ],
)
def test_bad_arguments(results, arguments, message, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    arguments = [results if argument == "RESULTS" else argument for argument in arguments]
    assert run_tool(monkeypatch, "report.py", *arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err.splitlines()[-1]
    assert printed.out == ""


@pytest.mark.process
def test_a_bad_argument_in_a_process_of_its_own(results):
    done = run(results, "--protocol", "kaman16")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("report.py: error: There is no protocol 'kaman16'.")
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_a_card_is_written_beside_a_gate(results, protocol, tmp_path):
    of_one = (results, "--model", "fan-t", "--protocol", protocol)
    expected, card = tmp_path / "expected.json", tmp_path / "card.json"
    run(*of_one, "--write-expect", expected)
    done = run(*of_one, "--expect", expected, "--card", card)
    assert (done.returncode, done.stdout) == (0, "as expected: 9 numbers of 1 model, mIoU, small, 3 cells\n")
    assert json.loads(card.read_text())["scores"]["retention"] == 0.5


def test_expected_values_of_another_protocol_are_not_compared(results, protocol, tmp_path):
    expected = tmp_path / "expected.json"
    run(results, "--protocol", protocol, "--write-expect", expected)
    done = run(results, "--protocol", "recorded", "--expect", expected)
    assert done.returncode == 2
    assert "expects the protocol 'small', not 'recorded'" in done.stderr
