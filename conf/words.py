"""The words people read, one YAML file a language."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import yaml

from conf.codes import ALERT_TYPES
from conf.model import Model, Wrong

PLACE = re.compile(r"\{(\w+)\}")
ALIKE = ([f"headline_{kind}" for kind in ALERT_TYPES], ["loss_staffed", "loss_small"])  # may name each other's places
SHEETS = ("sheet_summary", "sheet_calls", "sheet_evidence", "coming_up")  # of a workbook, which is particular about their names
SHEET_NAME = re.compile(r"(?!')[^]\[:*?/\\]{1,31}(?<!')")


class Wording(Model):
    worklist: dict[str, str]  # labels of worklists and pages
    reasons: dict[str, str]  # templates of alert reasons, by kind


@cache
def packaged() -> dict[str, dict[str, str]]:
    """The words there must be in every language, and the places in them that are filled in: those of the packaged English."""
    said = yaml.safe_load((Path(__file__).parent / "wording" / "en.yaml").read_text(encoding="utf-8"))
    return Wording.model_validate(said).model_dump()


def wrong_words(wording: Wording, own: Collection[tuple[str, str]]) -> Iterator[Wrong]:
    """What a page or a reason would stumble over when it is made.

    Parameters
    ----------
    wording : Wording of one language
    own : what may be worded beyond the packaged words, as pairs of part and word
    """
    for part, texts in wording.model_dump().items():
        known = packaged()[part]
        for word, text in texts.items():
            if word not in known and (part, word) not in own:
                yield (part, word), "no such word"
            elif strange := set(PLACE.findall(text)) - _places(part, word):
                yield (part, word), f"nothing is known to fill in for {', '.join(sorted(strange))}"
            elif re.search("[{}]", PLACE.sub("", text)):
                yield (part, word), "braces stand only around what is filled in"
        for word in (word for word in known if word not in texts):
            yield (part,), f"{word!r} is missing; kehu.yaml can say only the words that differ"
    sheets: dict[str, str] = {}
    for word in SHEETS:
        name = wording.worklist.get(word, word)
        if not SHEET_NAME.fullmatch(name):
            yield ("worklist", word), "a sheet's name has 1 to 31 characters, none of them []:*?/\\, and no quote around it"
        if (other := sheets.setdefault(name.casefold(), word)) != word:
            yield ("worklist", word), f"two sheets cannot have one name: {other} is called so, too"


def _places(part: str, word: str) -> set[str]:
    alike = next((words for words in ALIKE if word in words), [word])
    return {place for each in alike for place in PLACE.findall(packaged()[part].get(each, ""))}
