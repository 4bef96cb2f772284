"""The worklist as one self-contained page: no server, no network, no asset; nothing runs in it but its own script."""

from __future__ import annotations

import base64
import hashlib
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conf.codes import CAUSES, OUTCOMES
from conf.settings import Settings
from worklists import figures
from worklists.charts import flow_chart
from worklists.customer import Customer
from worklists.safe_text import visible
from worklists.worklist import TYPES, Call, Worklist

TEMPLATES = Path(__file__).parent / "templates"
SOON_DAYS = 30  # a maturity this near is marked


def worklist_page(worklist: Worklist, settings: Settings) -> bytes:
    """An RM's day as HTML.

    Parameters
    ----------
    worklist : Worklist
    settings : Settings
        Bank, language, wording and the offers' names.

    Returns
    -------
    bytes, UTF-8; the same for the same worklist and settings
    """
    script = asset("worklist.js")
    types = {call.type for call in worklist.calls}
    return templates().get_template("worklist.html.j2").render(
        spoken(settings, worklist.day),
        list=worklist,
        types=[type_ for type_ in TYPES if type_ in types],
        outcomes=OUTCOMES,
        causes=CAUSES,
        urgent=sum(call.urgent(worklist.day) for call in worklist.above),
        tomorrow=(worklist.day + timedelta(days=1)).isoformat(),
        file_name=f"outcomes-{worklist.holder}-{worklist.day.isoformat()}.csv",
        forward_days=settings.worklists.forward_days,
        results_days=settings.worklists.results_days,
        policy=content_policy(script),
        script=Markup(script),
    ).encode()


@cache
def templates() -> Environment:
    """The templates, compiled once; every value in them is escaped, and nothing invisible gets through."""
    loader = FileSystemLoader(TEMPLATES)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalized
    )


def spoken(settings: Settings, day: date) -> dict[str, Any]:
    """What every page can say: the bank's words, and how it writes dates and amounts."""
    language = settings.bank.language
    words = settings.wording[language].worklist
    names = product_names(settings)
    safety = settings.wording[language].reasons.get("safety")

    def talk(call: Call) -> str:
        """Which talking points: where the alert puts the customer's safety first, nothing else is talked about."""
        return "safety" if safety and safety in call.reason else call.type

    def word(prefix: str, code: str) -> str:
        return words.get(f"{prefix}{code}") or _plain(code)

    def when(call: Call) -> Markup:
        due = words["due"].format(day=figures.short_day(call.due_by, language))
        today = Markup('<span class="now">{}</span>').format(words["call_today"]) if call.urgent(day) else ""
        return Markup('{}<span class="due">{}</span>').format(today, due)

    def chart(customer: Customer, marked: tuple[str, ...]) -> Markup:
        return flow_chart(customer, marked, language, words)

    return {
        "words": words,
        "word": word,
        "lines": lambda prefix, type_: [line for line in words.get(f"{prefix}{type_}", "").splitlines() if line.strip()],
        "when": when,
        "talk": talk,
        "chart": chart,
        "money": figures.money,
        "rate": figures.rate,
        "share": figures.share,
        "date": lambda value: figures.day(value, language),
        "weekday": lambda value: f"{words[f'weekday_{value.isoweekday()}']} {figures.day(value, language)}",
        "product": lambda product_id: names.get(product_id) or _plain(product_id),
        "language": "zh-CN" if language == "zh" else "en",
        "bank": settings.bank.name,
        "currency": settings.bank.base_currency,
        "soon": day + timedelta(days=SOON_DAYS),
        "style": Markup(asset("style.css")),
    }


def content_policy(script: str = "") -> Markup:
    """What the browser lets the page do: its own style, its own script by its hash, and nothing else."""
    runs = f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'; " if script else ""
    return Markup(f"default-src 'none'; style-src 'unsafe-inline'; {runs}base-uri 'none'; form-action 'none'")


def product_names(settings: Settings) -> dict[str, str]:
    """product_id -> name a customer knows it by, from the shelf; the first offer that sells it names it."""
    named: dict[str, str] = {}
    for _, offer in sorted(settings.offers.items()):
        if len(offer.uptake.products) == 1:
            named.setdefault(offer.uptake.products[0], offer.name[settings.bank.language])
    return named


@cache
def asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def _finalized(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _plain(code: str) -> str:
    return code.replace("_", " ").strip()
