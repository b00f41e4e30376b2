"""Pictures of conditions in a report: what each cell is called, grids of a family each, and the viewer of the page."""

from helpers.html_tree import tree
from helpers.small_pictures import CELLS, keep
from helpers.small_results import PROTOCOL, SCORES, records

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.judging.asked_cues import asked_cues
from mmfan.evaluation.judging.weather import weather_conditions
from mmfan.evaluation.protocol import get_protocol, under_adaptation
from mmfan.evaluation.report import build_report, figures, read_runs
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.page.embedded import gallery
from mmfan.evaluation.report.shown_cells import cells_with_words, runs_with_pictures
from mmfan.evaluation.results.pictures import cell_folder
from mmfan.evaluation.results.recorded_protocol import protocol_entry
from mmfan.evaluation.results.store import ResultsStore

SMALL = get_protocol(PROTOCOL)
ADAPTED = under_adaptation(SMALL, "bn").whole(1)


def attacked(*steps, strengths=(1, 4)):
    conditions = [
        {"kind": "attack", "name": "pgd", "strengths": list(strengths), "settings": {"steps": one}} for one in steps
    ]
    return get_protocol({"name": "attacked", "conditions": conditions})


def report_of(tmp_path, *protocols, models=("fan-t",)):
    """A report of some protocols, the first of which is that of its models."""
    store = ResultsStore(tmp_path / "r.jsonl")
    for model in models:
        for protocol in protocols:
            scores = list(SCORES.values()) if protocol == SMALL else [0.8] + [0.5] * len(protocol.cells)
            for cell, score in zip([protocol.reference, *protocol.cells], scores, strict=True):
                record = {**records(model)[0], **cell.described(), "metrics": {"mIoU": score}}
                store.settle({**record, "protocol": protocol_entry(protocol)})
    families = [family for protocol in protocols[1:] for family in protocol.families]
    return build_report(read_runs([store.path]), protocols[0], families=families)


def keep_conditions(tmp_path, *protocols, **more):
    folders = [cell_folder(cell) for protocol in protocols for cell in protocol.cells]
    keep(tmp_path / "r.jsonl", cells=(*CELLS, *folders), **more)


def drawn_rows(report, monkeypatch, limit=4):
    """Name of a grid -> what its rows are called."""
    drawn = []
    original = figures.model_grid
    monkeypatch.setattr(figures, "model_grid", lambda *args: drawn.append(args) or original(*args))
    made = figures.picture_grids(report, limit)
    return {one.name: [row.label for row in rows] for one, (rows, *_) in zip(made, drawn, strict=True)}


def test_what_cells_are_called(tmp_path):
    report = report_of(tmp_path, SMALL, ADAPTED, attacked(5))
    words = cells_with_words(report)
    assert CLEAN not in words
    assert [one.said for one in words.values()] == [
        "fog, severity 1", "fog, severity 2", "contrast, severity 1",
        "fog with bn, severity 1", "fog with bn, severity 2", "contrast with bn, severity 1",
        "pgd 1 (radius in 1/255)", "pgd 4 (radius in 1/255)",
    ]  # fmt: skip
    assert {(one.row, one.step) for one in list(words.values())[-2:]} == {
        ("pgd", "1 (radius in 1/255)"), ("pgd", "4 (radius in 1/255)")
    }  # fmt: skip


def test_two_settings_of_one_attack_are_told_apart(tmp_path):
    words = cells_with_words(report_of(tmp_path, SMALL, attacked(5, 20)))
    rows = list(dict.fromkeys(one.row for one in words.values()))[2:]
    assert len(rows) == 2
    assert all(row.startswith("pgd (pgd (") for row in rows)
    assert ["steps 5" in row for row in rows] == [True, False]


def test_conditions_without_strengths_have_one_name(tmp_path):
    cues = get_protocol(asked_cues(["texture_swap", "shape_remove"]))
    weather = get_protocol({"name": "w", "conditions": weather_conditions("acdc", ["fog"])})
    words = list(cells_with_words(report_of(tmp_path, SMALL, cues, weather)).values())[3:]
    assert [tuple(one) for one in words] == [(name,) * 3 for name in ("texture swap", "shape remove", "fog of acdc")]


def test_a_family_has_grids_of_its_own(tmp_path, monkeypatch):
    attack = attacked(5)
    keep_conditions(tmp_path, ADAPTED, attack, names=("x", "y"))
    assert drawn_rows(report_of(tmp_path, SMALL, ADAPTED, attack), monkeypatch, limit=1) == {
        "pictures_1": ["clean", "fog 1", "fog 2", "contrast 1"],
        "adaptation_bn_pictures_1": [  # each beside the model as it is
            "clean",
            "fog 1",
            "fog with bn 1",
            "fog 2",
            "fog with bn 2",
            "contrast 1",
            "contrast with bn 1",
        ],
        "attack_pgd_pictures_1": ["clean", "pgd 1 (radius in 1/255)", "pgd 4 (radius in 1/255)"],
    }


def test_corruptions_beside_a_protocol_of_adapted_cells(tmp_path, monkeypatch):
    keep_conditions(tmp_path, ADAPTED)
    report = report_of(tmp_path, ADAPTED, SMALL)
    assert [one.said for one in cells_with_words(report).values()] == [
        "fog, severity 1", "fog, severity 2", "contrast, severity 1",
        "fog as it is, severity 1", "fog as it is, severity 2", "contrast as it is, severity 1",
    ]  # fmt: skip
    assert drawn_rows(report, monkeypatch) == {
        "pictures_1": ["clean", "fog with bn 1", "fog with bn 2", "contrast with bn 1"],
        "corruption_pictures_1": ["clean", "fog 1", "fog 2", "contrast 1"],
    }


def test_an_attack_alone_has_grids_and_a_viewer(tmp_path, monkeypatch):
    attack = attacked(5)
    keep_conditions(tmp_path, attack)
    report = report_of(tmp_path, attack)
    assert not report.models
    assert [run.name for run in runs_with_pictures(report).values()] == ["fan-t"]
    assert list(drawn_rows(report, monkeypatch)) == ["attack_pgd_pictures_1"]
    shown = tree(as_html(report, pictures=gallery(report))).one("section", id="pictures")
    assert [one.text for one in shown.all("h4")] == ["clean", "pgd 1 (radius in 1/255)", "pgd 4 (radius in 1/255)"]
    assert shown.all("img")[2].attributes["alt"].startswith("Prediction of fan-t for x, as it is")


def test_a_family_without_pictures_has_no_grid_of_the_clean_one(tmp_path, monkeypatch):
    keep_conditions(tmp_path)
    assert list(drawn_rows(report_of(tmp_path, SMALL, attacked(5)), monkeypatch)) == ["pictures_1"]
    alone = report_of(tmp_path, attacked(5))
    assert figures.picture_grids(alone) == []
    assert gallery(alone).pictures == ()


def test_the_viewer_has_the_conditions_too(tmp_path):
    attack = attacked(5)
    keep_conditions(tmp_path, attack, models=("fan-t", "other"))
    report = report_of(tmp_path, SMALL, attack, models=("fan-t", "other"))
    cells = tree(as_html(report, pictures=gallery(report))).all("section", class_="cell")
    told = [(one.attributes["data-corruption"], one.attributes["data-severity"]) for one in cells]
    assert told == [("", "0"), ("fog", "1"), ("fog", "2"), ("contrast", "1"), ("pgd", "1"), ("pgd", "4")]
    assert [one.attributes["data-said"] for one in cells[::4]] == ["clean", "1 (radius in 1/255)"]


def test_runs_of_one_name_in_one_file_are_not_told_apart(tmp_path):
    attack = attacked(5)
    keep_conditions(tmp_path, attack)
    store = ResultsStore(tmp_path / "r.jsonl")
    for seed in (0, 1):
        for cell in (CLEAN, *attack.cells):
            store.settle({**records(seed=seed)[0], **cell.described(), "protocol": protocol_entry(attack)})
    report = build_report(read_runs([store.path]), attack)
    assert len(report.runs) == 2
    assert gallery(report).pictures == ()
