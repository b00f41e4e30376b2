"""Viewer of a page's pictures: all of them one below the other, of which the script shows one cell at a time."""

from __future__ import annotations

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.report.page.embedded import Embedded, EmbeddedCell, EmbeddedPicture, Gallery, Prediction
from mmfan.evaluation.report.page.markup import Markup, element, joined
from mmfan.evaluation.report.page.plots import label_of
from mmfan.evaluation.report.page.who import Who
from mmfan.evaluation.report.tables.words import percent
from mmfan.utils.text import counted, one_line


def viewer(found: Gallery, who: Who) -> Markup | None:
    """The section of pictures; None where none were kept."""
    if not found.pictures:
        return None
    size = f"{found.size / 1e6 / len(found.pictures):.1f} MB{' each' if len(found.pictures) > 1 else ''}"
    said = [one for picture in found.pictures for cell in picture.cells for one in cell.predictions if one]
    errors = any(one.wrong is not None for one in said)
    words = (
        f"What the models were given, what is true{',' if errors else ' and'} what they said"
        f"{', and where it is wrong: red, and darkened where nothing is labelled' if errors else ''}. "
        f"{counted(len(found.pictures), 'picture')}, {size} in this page."
    )
    return element(
        "section",
        element("h2", "Pictures"),
        element("p", words, class_="lead"),
        element(
            "div",
            joined(*(_picture(picture, number, found.models, who) for number, picture in enumerate(found.pictures, 1))),
            class_="gallery",
        ),
        id="pictures",
    )


def _picture(picture: EmbeddedPicture, number: int, models: tuple[int, ...], who: Who) -> Markup:
    truth = None
    if picture.truth is not None:
        about = f"Truth of {picture.name}{_colours(picture)}"
        truth = element("figure", _image(picture.truth, about), element("figcaption", "truth"), class_="truth")
    chips = element("ul", *(_chip(name, colour) for name, colour in picture.classes), class_="classes")
    return element(
        "article",
        element("h3", one_line(picture.name, 120)),
        truth,
        joined(*(_cell(cell, picture, models, who) for cell in picture.cells)),
        chips if picture.classes else None,
        class_="picture",
        data_name=f"{number}: {one_line(picture.name.rpartition('/')[2], 60)}",
    )


def _cell(cell: EmbeddedCell, picture: EmbeddedPicture, models: tuple[int, ...], who: Who) -> Markup:
    said = cell.words.said
    given = f"{picture.name}, {'as it is' if cell.cell == CLEAN else said}"
    pairs = [
        element("div", *_prediction(prediction, at, given, picture, who), class_="pair", data_model=at)
        for at, prediction in zip(models, cell.predictions, strict=True)
    ]
    return element(
        "section",
        element("h4", said),
        element("figure", _image(cell.picture, given), element("figcaption", f"input: {said}"), class_="given"),
        *pairs,
        class_="cell",
        data_corruption=cell.words.row,
        data_severity=f"{cell.cell.severity:g}",
        data_said=cell.words.step,
    )


def _prediction(prediction: Prediction | None, at: int, given: str, picture: EmbeddedPicture, who: Who) -> list[Markup]:
    name = who.title(at)
    if prediction is None:
        none = element("p", "no prediction kept", class_="missing")
        return [element("figure", none, element("figcaption", label_of(who, at)))]
    about = f"Prediction of {name} for {given}{_colours(picture)}"
    shown = [
        element(
            "figure", _image(prediction.picture, about), element("figcaption", label_of(who, at), ": prediction"),
            class_="prediction",
        )
    ]  # fmt: skip
    if prediction.wrong is not None:
        right = f"{percent(prediction.right)} % of the labelled pixels right"
        about = f"Where {name} is wrong for {given}: {right}"
        shown.append(
            element(
                "figure",
                element("div", _image(prediction.wrong, about), class_="stack"),
                element("figcaption", label_of(who, at), f": errors ({right})"),
                class_="wrong",
            )
        )
    return shown


def _colours(picture: EmbeddedPicture) -> str:
    return ": classes as colours" if picture.classes else ": objects in frames"


def _image(picture: Embedded, about: str) -> Markup:
    return element(
        "img", src=Markup(picture.address), alt=about, width=picture.width, height=picture.height, decoding="async"
    )


def _chip(name: str, colour: str) -> Markup:
    # no style attribute: the page allows itself none
    swatch = element(
        "svg", element("rect", width="100%", height="100%", fill=colour), class_="swatch", aria_hidden="true"
    )
    return element("li", swatch, name)
