"""The effect report as text and as a page with its plot."""

from __future__ import annotations

import io
from collections.abc import Sequence

from jinja2 import Environment

from conf.settings import Settings
from worklists.effect import MIN_GROUP, Difference, Effect, NewOffer, OtherWay, Report
from worklists.figures import day, money

INK, ACCENT, PALE = "#1B2530", "#0D5C63", "#9AA5AD"
TOO_FEW = "too few"
TOO_FEW_NOTE = (
    f"Too few: fewer than {MIN_GROUP} on one side, nothing is said. An offer that only a yes tells to be taken is not compared: "
    "nobody asks the control group."
)

NEW_TITLE = "New offers, each against its own control group"
NEW_NOTE = "Everybody it was open to on the day, told of it or not: what having the offer brought, and so less than a call about it does."
WAYS_TITLE = "Other ways of choosing the offer a call opens with"
WAYS_NOTE = "Estimated from the lot's chances (doubly robust, 95 %): uptake of the offer told, whether or not the call brought it about."
NO_WAYS = "nothing is said: no call about an offer has a window that is over and scores that are kept"


def effect_text(report: Report, settings: Settings) -> str:
    """The report for a terminal."""
    currency = settings.bank.base_currency
    lines = [_title(report), f"Treated less control, 95 % intervals; every alert that stood on a worklist counts. {TOO_FEW_NOTE}"]
    for title, found in (("By type of alert", report.types), ("By first offer", report.offers)):
        lines += ["", title]
        for effect in found:
            lines += [
                f"  {_named(effect.name, settings)}",
                f"    treated {effect.treated:,} (spoken to {effect.called:,}, accepted {effect.accepted:,}), control {effect.control:,}"
                + (f", window still open {effect.waiting:,}" if effect.waiting else "")
                + (f", told by a yes only {effect.told_only:,}" if effect.told_only else ""),
                f"    uptake                {_shares(effect.uptake)}",
                f"    deposits after a month {_amounts(effect.kept, currency + ' a customer')}",
                f"    value                 {_amounts(effect.value, currency + ' an alert')}",
                f"    one more alert        {_amounts(effect.one_more, currency)}",
            ]
    if report.new:
        lines += ["", NEW_TITLE, f"  {NEW_NOTE}"]
    for named, groups, uptake in _new(report.new, settings):
        lines += [f"  {named}, {groups}", f"    uptake                {uptake}"]
    lines += ["", WAYS_TITLE, f"  {WAYS_NOTE}"]
    for named, calls, value, gain in _ways(report.ways, currency):
        lines += [f"  {named}, {calls}", f"    {value}", *([f"    {gain}"] if gain else [])]
    return "\n".join(lines if report.ways else [*lines, f"  {NO_WAYS}"])


def effect_page(report: Report, settings: Settings) -> str:
    """The report as one self-contained page."""
    tables = [
        (title, [_row(effect, settings) for effect in found], _plot(found, settings))
        for title, found in (("By type of alert", report.types), ("By first offer", report.offers))
    ]
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE).render(
        title=_title(report), bank=settings.bank.name, currency=settings.bank.base_currency, tables=tables,
        new_title=NEW_TITLE, new_note=NEW_NOTE, new=_new(report.new, settings), too_few=TOO_FEW_NOTE,
        ways_title=WAYS_TITLE, ways_note=WAYS_NOTE, no_ways=NO_WAYS,
        ways=_ways(report.ways, settings.bank.base_currency),
    )


def _new(offers: Sequence[NewOffer], settings: Settings) -> list[tuple[str, str, str]]:
    """Name, groups and uptake of each new offer, in words."""
    return [
        (_named(of.name, settings), f"on {day(of.on, 'en')} open to {of.open_to:,}, kept from {of.kept_from:,} by lot",
         "nothing is said yet, or only a yes tells it" if of.uptake is None else _shares(of.uptake))
        for of in offers
    ]  # fmt: skip


def _ways(ways: Sequence[OtherWay], currency: str) -> list[tuple[str, str, str, str]]:
    """Name, calls, value and gain of each way, in words; a refusal stands in the place of figures."""
    told = []
    for way in ways:
        calls = f"{way.calls:,} calls, {way.same:.0%} of them opened with its offer, effective sample {way.effective:,.0f}"
        value, gain = ("{} {} a call ({} to {})".format(_signed(of[0]), currency, *map(_signed, of[1:])) for of in (way.value, way.gain))
        told.append((way.name, calls, f"nothing is said: {way.refused}", "") if way.refused else
                    (way.name, calls, f"would have brought {value}", f"against what was done: {gain}"))
    return told


def _title(report: Report) -> str:
    first, last, known_until = (day(on, "en") for on in (report.first, report.last, report.known_until))
    return f"Effect of calling, alerts of {first} to {last}, as known on {known_until}"


def _row(effect: Effect, settings: Settings) -> list[str]:
    currency = settings.bank.base_currency
    return [
        _named(effect.name, settings), f"{effect.treated:,}", f"{effect.control:,}", f"{effect.called:,}", f"{effect.accepted:,}",
        _shares(effect.uptake), _amounts(effect.kept, currency), _amounts(effect.value, currency), _amounts(effect.one_more, currency),
    ]  # fmt: skip


def _named(name: str, settings: Settings) -> str:
    words = settings.wording["en"].worklist
    offer = settings.offers.get(name)
    return offer.name.get("en", name) if offer else words.get(f"type_{name}", name)


def _shares(of: Difference) -> str:
    if of.difference is None or of.low is None or of.high is None:
        return TOO_FEW
    return f"{of.treated:.1%} against {of.control:.1%}: {of.difference:+.1%} ({of.low:+.1%} to {of.high:+.1%}){_mark(of)}"


def _amounts(of: Difference, unit: str) -> str:
    if of.difference is None or of.low is None or of.high is None:
        return TOO_FEW
    return f"{_signed(of.difference)} {unit} ({_signed(of.low)} to {_signed(of.high)}){_mark(of)}"


def _signed(amount: float) -> str:
    return ("+" if amount > 0 else "") + money(amount)


def _mark(of: Difference) -> str:
    return "" if of.clear else ", not clear"


def _plot(found: Sequence[Effect], settings: Settings) -> str:
    """Intervals of uptake, a line each, as SVG; empty where there is nothing to draw."""
    drawn = [effect for effect in found if effect.uptake.difference is not None]
    if not drawn:
        return ""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.6 + 0.45 * len(drawn)), layout="constrained")
    axes = figure.subplots()
    for height, effect in enumerate(reversed(drawn)):
        of = effect.uptake
        assert of.difference is not None
        assert of.low is not None
        assert of.high is not None
        color = ACCENT if of.clear else PALE
        axes.plot([100 * of.low, 100 * of.high], [height, height], color=color, linewidth=2)
        axes.plot([100 * of.difference], [height], "o", color=color)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(drawn)), [_named(effect.name, settings) for effect in reversed(drawn)])
    axes.set_xlabel("uptake, treated less control, percentage points (95 %)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return target.getvalue()[target.getvalue().index("<svg"):]


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #1B2530 }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .875rem }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #D5DAD8; vertical-align: top }
svg { max-width: 100%; height: auto; background: #fff }
@media (prefers-color-scheme: dark) { body { background: #14191E; color: #E6EAEC } }
</style></head><body>
<h1>{{ bank }}: {{ title }}</h1>
<p>Treated less control, with 95 % intervals (Newcombe for shares, Welch for means). Treated is every alert that stood on a worklist,
called or not; control is what lot held back. "Not clear": the interval holds zero. "One more alert": the value of the third with the
lowest priority, which is what the next alert below today's line would be like. {{ too_few }}</p>
{% for name, rows, plot in tables %}
<h2>{{ name }}</h2>
{{ plot | safe }}
<div class="wide"><table><thead><tr><th></th><th>Treated</th><th>Control</th><th>Spoken to</th><th>Accepted</th><th>Uptake</th>
<th>Deposits after a month, a customer</th><th>Value, an alert</th><th>One more alert</th></tr></thead><tbody>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% endfor %}
{% if new %}<h2>{{ new_title }}</h2>
<p>{{ new_note }}</p>
<div class="wide"><table><thead><tr><th></th><th>Groups</th><th>Uptake</th></tr></thead><tbody>
{% for row in new %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% endif %}
<h2>{{ ways_title }}</h2>
<p>{{ ways_note }}</p>
{% if ways %}<div class="wide"><table><thead><tr><th></th><th>Calls</th><th>Value</th><th>Gain</th></tr></thead><tbody>
{% for row in ways %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% else %}<p>{{ no_ways }}</p>
{% endif %}
</body></html>
"""

