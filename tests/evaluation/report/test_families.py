"""Families in a report: a section each, nothing averaged over two of them, in every format."""

import json
from dataclasses import replace

import pytest
from helpers.small_results import PROTOCOL, SCORES, records

from mmfan.evaluation.judging.asked_attack import asked_attacks
from mmfan.evaluation.judging.asked_cues import asked_cues
from mmfan.evaluation.judging.weather import protocol_with_weather
from mmfan.evaluation.protocol import get_protocol, under_adaptation
from mmfan.evaluation.report import ReportError, build_report, read_runs
from mmfan.evaluation.report.closing import overview_text, report_words
from mmfan.evaluation.report.figures import plots
from mmfan.evaluation.report.formats import as_csv, as_json, as_latex, as_markdown
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.runs.choice import choose_families, choose_protocol
from mmfan.evaluation.results.recorded_protocol import protocol_entry
from mmfan.evaluation.results.store import ResultsStore
from mmfan.evaluation.summary import SummaryError

SMALL = get_protocol(PROTOCOL)
ADAPTED = under_adaptation(SMALL, "bn").whole(1)
ATTACKED = get_protocol(
    {
        "name": "attacked",
        "conditions": [{"kind": "attack", "name": "pgd", "strengths": [1, 4], "settings": {"steps": 5}}],
    }
)

PGD = "pgd (alpha 2.5 eps/steps, norm linf, rounded True, steps 5)"


def add(store, protocol, scores, model="fan-t"):
    """Records of a protocol's cells, with its reference, the clean one as a rule, as the small results have it."""
    for cell, score in zip([protocol.reference, *protocol.cells], scores, strict=True):
        record = {**records(model)[0], **cell.described(), "metrics": {"mIoU": score}}
        store.settle({**record, "protocol": protocol_entry(protocol)})


@pytest.fixture
def store(tmp_path):
    """Corruptions at 0.4 on average, the same cells adapted at 0.6, an attack."""
    made = ResultsStore(tmp_path / "r.jsonl")
    add(made, SMALL, SCORES.values())
    add(made, ADAPTED, [0.8, 0.7, 0.5, 0.6])
    add(made, ATTACKED, [0.8, 0.6, 0.2])
    return made


@pytest.fixture
def report(store):
    runs = read_runs([store.path])
    chosen = choose_protocol(runs)
    assert chosen == SMALL
    return build_report(runs, chosen, families=choose_families(runs, chosen))


def test_a_section_each(report):
    assert report.models[0].summary.corrupted == pytest.approx(0.4)  # of the corruptions alone
    by_kind = {one.protocol.kind.name: one for one in report.sections}
    assert set(by_kind) == {"adaptation", "attack"}
    adapted = by_kind["adaptation"]
    assert adapted.numbers[0]["corrupted"] == pytest.approx(0.6)
    assert adapted.numbers[0]["retention"] == pytest.approx(0.75)
    assert "without adaptation" in adapted.text
    assert "reset rule" in adapted.text
    beside = next(table for table in adapted.tables if table.title == "bn: Beside the model as it is")
    # clean, clean with it (not judged), corrupted without and with, gain in points, retention without and with
    assert beside.rows == (("fan-t", "80.0", "-", "40.0", "60.0", "+20.0", "50.0", "75.0"),)
    attack = by_kind["attack"].tables[0]
    assert attack.head == ("model", "clean", "1", "4", "half")
    assert attack.rows == (("fan-t", "80.0", "60.0", "20.0", "2.50"),)  # half of it, 40, lies halfway from 1 to 4


def test_the_formats_hold_them_all(report):
    markdown = as_markdown(report)
    assert f"# Attacks: {PGD}" in markdown
    assert "# Adaptation at test time: bn (" in markdown
    told = json.loads(as_json(report))
    assert {one["kind"] for one in told["families"]} == {"adaptation", "attack"}
    attack = next(one for one in told["families"] if one["kind"] == "attack")
    assert attack["models"][0]["half_strength"] == {"pgd": 2.5}
    assert "retention" not in attack["models"][0]
    rows = as_csv(report).splitlines()
    assert len(rows) == 4
    assert any("attacked" in row and ",0.6,0.2" in row for row in rows)
    assert "\\label{tab:robustness:bn-overview}" in as_latex(report)
    page = as_html(report)
    assert f"Attacks: {PGD}" in page
    assert "<h1>Robustness: mIoU on small</h1>" in page


def test_a_report_on_an_attack_alone(store):
    runs = read_runs([store.path])
    alone = build_report(runs, ATTACKED)
    assert not alone.models
    assert alone.first_table.rows[0][:3] == ("fan-t", "80.0", "60.0")
    assert "no mean over strengths" in as_markdown(alone)
    assert len(as_csv(alone).splitlines()) == 2
    assert "steps-5" not in as_latex(alone)
    assert as_html(alone).count("<h2>") == 2  # the attack, and what the numbers stand on
    assert json.loads(as_json(alone))["models"] == []
    fewer = get_protocol({"conditions": [{"kind": "attack", "name": "pgd", "strengths": [2]}]})
    with pytest.raises(SummaryError, match="no model was judged on it"):
        build_report(runs, fewer)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"ranked_by": "retention"}, "no leaderboard"),
        ({"groups": {"all": ["fan-t"]}, "columns": ["clean"]}, r"no group of runs \(--group\), no choice of columns"),
        ({"reference": "fan-t"}, "no reference"),
    ],
)
def test_what_needs_means_is_refused_of_attacks_alone(asked, told, store):
    with pytest.raises(ReportError, match=f"Of 'attacked' there is no mean, and so {told}"):
        build_report(read_runs([store.path]), ATTACKED, **asked)


def attacked(*named, **settings):
    """A protocol of attacks at the radii 1 and 4."""
    given = {"norm": "linf", "rounded": True, **settings}
    return get_protocol({"name": "attacked", "conditions": [
        {"kind": "attack", "name": name, "strengths": [1, 4], "settings": given} for name in named
    ]})  # fmt: skip


def test_the_lowest_of_attacks_of_one_budget(tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    add(store, attacked("pgd", "cospgd"), [0.8, 0.6, 0.3, 0.7, 0.2])
    add(store, attacked("segpgd", norm="l2"), [0.8, 0.1, 0.1])  # another budget
    add(store, attacked("pgd"), [0.9, 0.6, 0.3], model="other")  # not under both
    runs = read_runs([store.path])
    chosen = attacked("pgd", "cospgd")
    report = build_report(
        runs, chosen.families[0], families=[*chosen.families[1:], *attacked("segpgd", norm="l2").families]
    )
    titles = [one.title for one in report.sections]
    assert len(titles) == 4
    assert titles[-1] == "Attacks: the lowest score of pgd, cospgd (norm linf, rounded True)"
    found = report.sections[-1]
    # by hand: 60 and 70 at 1, 30 and 20 at 4; 40, half of 80, lies halfway from 60 at 1 to 20 at 4
    assert found.tables[0].rows == (("fan-t", "80.0", "60.0 (pgd)", "20.0 (cospgd)", "2.50"),)
    assert "ReM" in found.text
    assert found.numbers[0]["scores"] == {"lowest": {"1": 0.6, "4": 0.2}}
    assert found.numbers[0]["attacks"] == {"1": "pgd", "4": "cospgd"}
    assert "60.0 (pgd)" in as_markdown(report)
    assert "60.0 (pgd)" in as_html(report)
    assert any("the lowest score of pgd" in row and ",0.6,0.2" in row for row in as_csv(report).splitlines())
    assert [figure.name for figure in plots(report)][-1] == "attack_lowest"
    assert json.loads(as_json(report))["families"][-1]["models"][0]["half_strength"] == {"lowest": 2.5}


def test_weather_stands_before_attacks_and_adaptation(tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    weather = protocol_with_weather("clean", None, {"dark_zurich": "x"})
    add(store, weather, [0.8, 0.5])
    add(store, protocol_with_weather("clean", "bn", {"dark_zurich": "x"}).whole(1), [0.8, 0.6])
    add(store, ATTACKED, [0.8, 0.6, 0.2])
    runs = read_runs([store.path])
    chosen = choose_protocol(runs)
    assert chosen == weather
    report = build_report(runs, chosen, families=choose_families(runs, chosen), ranked_by="retention")
    assert report.models[0].summary.retention == pytest.approx(0.5 / 0.8)
    assert sorted(one.protocol.kind.name for one in report.sections) == ["attack", "weather"]


def test_the_page_on_an_attack_alone_says_what_it_stands_on(store):
    page = as_html(build_report(read_runs([store.path]), ATTACKED))
    assert "What the numbers stand on" in page
    assert "from r.jsonl." in page
    assert "<dt>data set</dt><dd>cityscapes</dd>" in page
    without = ResultsStore(store.path.with_name("attack.jsonl"))
    add(without, ATTACKED, [0.8, 0.6, 0.2])
    page = as_html(build_report(read_runs([without.path]), ATTACKED, families=[ADAPTED]))
    assert "no model was judged on it" in page  # a note, which stands on the page as on others


def test_only_runs_that_have_cells_of_a_family_are_in_its_section(store):
    add(store, SMALL, [0.7, 0.6, 0.5, 0.4], "other")
    runs = read_runs([store.path])
    chosen = choose_protocol(runs)
    report = build_report(runs, chosen, families=choose_families(runs, chosen))
    assert [model.name for model in report.models] == ["fan-t", "other"]
    assert [[row["name"] for row in one.numbers] for one in report.sections] == [["fan-t"], ["fan-t"]]


def test_a_family_that_lacks_cells_is_told_of(store):
    lines = store.path.read_text().splitlines(keepends=True)
    store.path.write_text("".join(lines[:-1]))
    runs = read_runs([store.path])
    chosen = choose_protocol(runs)
    report = build_report(runs, chosen, families=choose_families(runs, chosen))
    assert [one.protocol.kind.name for one in report.sections] == ["adaptation"]
    assert any("There is no section on attacked" in note and "missing: pgd 4" in note for note in report.notes)


def test_the_protocol_of_a_run_that_was_only_adapted(tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    add(store, ADAPTED, [0.8, 0.7, 0.5, 0.6])
    runs = read_runs([store.path])
    chosen = choose_protocol(runs)
    assert chosen == ADAPTED
    assert choose_families(runs, chosen) == []
    report = build_report(runs, chosen)
    assert report.models[0].summary.corrupted == pytest.approx(0.6)
    assert report.tables[1].title == "Beside the model as it is"
    assert report.tables[1].rows[0][3] == "-"  # the corruptions without it were not judged


def test_the_closing_words_of_each(store):
    key = read_runs([store.path])[0].key
    for protocol in (SMALL, ADAPTED, ATTACKED):
        assert report_words(store.path, key, protocol) == [str(store.path)]
    assert overview_text(store.path, key, ATTACKED).startswith("pgd: mIoU in % at each radius")
    assert "75.0" in overview_text(store.path, key, ADAPTED)


def test_cues_have_one_section_and_no_mean(store):
    runs = read_runs([store.path])
    wanted = get_protocol(asked_cues(["texture_swap", "texture_swap_grey", "texture_remove", "shape_remove"]))
    for cell, score in zip(wanted.cells, (0.3, 0.2, 0.6, 0.4), strict=True):
        own = dict.fromkeys(("shape_bias", "shape_bias_of_classes", "by_shape"), 0.25) | {"by_texture": 0.5}
        own = {**own, "by_neither": None} if cell.corruption.startswith("texture_swap") else {}
        record = {**records("fan-t")[0], **cell.described(), "metrics": {"mIoU": score, **own}}
        store.settle({**record, "protocol": protocol_entry(wanted)})
    runs = read_runs([store.path])
    chosen = choose_protocol(runs)
    made = build_report(runs, chosen, families=choose_families(runs, chosen))
    section = next(one for one in made.sections if one.protocol.kind.name == "cue")
    assert section.title == "Shape and texture"
    assert [table.title for table in section.tables] == [
        "Shape and texture: A cue taken away",
        "Shape and texture: Textures swapped",
    ]
    kept, swapped = section.tables
    assert kept.head == ("model", "change", "named", "clean", "score", "kept")
    assert kept.rows == (
        ("fan-t", "texture remove", "shape retention", "80.0", "60.0", "75.0"),
        ("fan-t", "shape remove (block 32)", "texture retention", "80.0", "40.0", "50.0"),
    )
    assert swapped.rows[1] == (
        "fan-t", "texture swap grey (area 1024, colour donor)", "25.0", "25.0", "25.0", "50.0", "-"
    )  # fmt: skip
    assert as_json(made).count('"shape_retention"') == 1
    header, *rows = as_csv(made).splitlines()
    row = next(one for one in rows if "shape and texture" in one)
    told = dict(zip(header.split(","), row.split(","), strict=True))
    assert (told["shape_bias:texture_swap"], told["cell:shape_remove:1"], told["retention"]) == ("0.25", "0.4", "")
    assert section.notes == ()
    for text in (as_markdown(made), as_latex(made), as_html(made)):
        assert "Textures swapped" in text
    seen = {"overlaps": ["fog", "texture_swap"], "added": ["texture_swap"], "unknown": []}
    trained = [replace(one, files=tuple((path, tuple({**record, "training_overlap": seen} for record in own))
                                        for path, own in one.files)) for one in runs]  # fmt: skip
    [note] = build_report(trained, wanted).sections[0].notes
    assert note.startswith("fan-t was trained on texture swap: its shape bias says that the training worked")
    evil = [replace(one, name="a\n\\input{x}") for one in trained]
    assert not any(line.startswith("\\input") for line in as_latex(build_report(evil, wanted)).splitlines())
    alone = build_report(runs, wanted)
    assert [one.title for one in alone.sections] == ["Shape and texture"]


def test_curves_of_an_attack_in_plots_and_on_the_page(report):
    assert [figure.name for figure in plots(report)][-1] == "attack_pgd"
    page = as_html(report)
    # half of 0.8 between 0.6 at 1 and 0.2 at 4: at 2.5 of 4, which is 180 of the 288 across
    assert "translate(210.0," in page
    assert "Curves of mIoU in % over the radius in 1/255 of pgd. fan-t 0: 80.0, 1: 60.0, 4: 20.0; half of the clean " \
        "score at 2.50" in page  # fmt: skip


def test_plots_of_attacks_alone(tmp_path):
    made = ResultsStore(tmp_path / "r.jsonl")
    add(made, ATTACKED, [0.8, 0.6, 0.5])
    found = build_report(read_runs([made.path]), ATTACKED)
    assert [figure.name for figure in plots(found)] == ["attack_pgd"]
    assert "half of the clean score not reached" in as_html(found)


def test_patches_are_held_against_the_clean_pictures_outside_of_them(store):
    patches = get_protocol(asked_attacks(["patch", "patch_noise"], areas=[1, 4]))
    add(store, patches, [0.6, 0.5, 0.2, 0.58, 0.55])
    runs = read_runs([store.path])
    chosen = choose_protocol(runs)
    assert chosen == SMALL
    report = build_report(runs, chosen, families=choose_families(runs, chosen))
    patched = [one for one in report.sections if one.protocol.kind.name == "patch"]
    titles = [one.title.partition(" (")[0] for one in patched]
    assert titles == ["Attacks by a patch: patch", "Attacks by a patch: patch_noise"]
    # half of 0.6 is a third of the way from 0.2 at 4 to 0.5 at 1
    assert [one.tables[0].rows for one in patched] == [
        (("fan-t", "60.0", "50.0", "20.0", "3.00"),),
        (("fan-t", "60.0", "58.0", "55.0", "> 4"),),
    ]
    assert "Held against the clean pictures, scored on the same pixels: those outside of the 4 %" in patched[0].text
    assert "area of the patch in % of the picture" in patched[0].tables[0].caption
    assert "retention" not in patched[0].tables[0].caption
    assert not any("outside" in note for note in report.notes)
    assert {"patch_patch", "patch_patch_noise"} < {figure.name for figure in plots(report)}
    assert "Curves of mIoU in % over the area of the patch in % of the picture of patch. fan-t 0: 60.0" in as_html(
        report
    )


def test_a_report_on_patches_alone(tmp_path):
    made = ResultsStore(tmp_path / "r.jsonl")
    first, second = (get_protocol(asked_attacks(["patch"], areas=[at])) for at in (4, 2))
    add(made, first, [0.6, 0.2])
    add(made, second, [0.7, 0.5])
    runs = read_runs([made.path])
    report = build_report(runs, choose_protocol(runs), families=choose_families(runs, choose_protocol(runs)))
    # two areas left out, two references: two sections, and none of the references
    assert [one.tables[0].rows[0][1:3] for one in report.sections] == [("70.0", "50.0"), ("60.0", "20.0")]


def test_a_partial_run_is_told_by_the_strengths_that_it_has(tmp_path):
    """That half of the score is left is known up to the largest of its own strengths, not of those of others."""
    made = ResultsStore(tmp_path / "r.jsonl")
    add(made, ATTACKED, [0.8, 0.7, 0.6])
    for cell, score in zip((ATTACKED.reference, *ATTACKED.cells[:1]), (0.8, 0.7), strict=True):
        made.settle({**records("begun")[0], **cell.described(), "metrics": {"mIoU": score}})
    report = build_report(read_runs([made.path]), ATTACKED, partial=True)
    assert report.sections[0].tables[0].rows == (
        ("fan-t", "80.0", "70.0", "60.0", "> 4"), ("begun", "80.0", "70.0", "-", "> 1"),
    )  # fmt: skip
    lines = made.path.read_text().splitlines(keepends=True)
    made.path.write_text(lines[-1])  # without a clean cell
    page = as_html(build_report(read_runs([made.path]), ATTACKED, partial=True))
    assert "1: 70.0; no clean score to hold it against" in page
