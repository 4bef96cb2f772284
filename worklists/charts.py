"""Pictures for pages, as inline SVG: no script, no asset, coloured by the page's own style in light and dark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from markupsafe import Markup, escape

from worklists.customer import Abnormal, Customer, Month
from worklists.figures import month, short_money

WIDTH, HEIGHT = 600, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 24, 34  # around the plot: amounts, room for a label, months and years
BAR = 0.56  # of a month's width
CUT = 4  # times the median month: other bars are not drawn taller, unless what the call is about is
MIN_SIDE = 0.15  # of the plot's height for the smaller direction

OWN_MOVEMENTS = ("early_withdrawal", "closure")

Side = tuple[date, bool]  # month, outward


def flow_chart(customer: Customer, marked: Collection[str], language: str, words: Mapping[str, str]) -> Markup:
    """Twelve months of money in (up) and out (down); the abnormal part of a bar stands out and carries its amount.

    Parameters
    ----------
    customer : Customer
    marked : flow ids told by the alert at hand; other abnormal flows of the year get a quiet dot
    language : str
    words : labels, `worklist` of the wording
    """
    if not customer.months:
        return Markup("")
    told, earlier = _by_month(customer, marked)
    heights = {
        (shown.first_day, outward): float(total + told[shown.first_day, outward].beside)
        for shown in customer.months
        for outward, total in ((False, shown.money_in), (True, shown.money_out))
    }
    tallest = _tallest(heights, told)
    plot = _Plot(
        max(min(value, tallest) for (_, outward), value in heights.items() if not outward),
        max(min(value, tallest) for (_, outward), value in heights.items() if outward),
        len(customer.months),
        tallest,
    )
    parts = [plot.grid(language)]
    for index, shown in enumerate(customer.months):
        for outward, total in ((False, shown.money_in), (True, shown.money_out)):
            side = (shown.first_day, outward)
            parts.append(plot.bar(index, outward, float(total), told[side], language))
            if side in earlier:
                parts.append(plot.dot(index, outward, heights[side]))
        parts.append(plot.below(index, shown.first_day, language))
    label = escape(words["chart_alt"].format(months=len(customer.months)))
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _tallest(heights: Mapping[Side, float], told: Mapping[Side, _Told]) -> float:
    """The height at which other bars are cut, so that one large sum of another month does not dwarf what the call is about."""
    marked = max((height for side, height in heights.items() if told[side].inside or told[side].beside), default=0.0)
    moved = [height for height in heights.values() if height > 0]
    usual = median(moved) if moved else 0.0
    return max(marked, CUT * usual) if marked else CUT * 2 * usual or 1.0


@dataclass(frozen=True)
class _Told:
    """What the alert at hand tells of one month and direction."""

    inside: Decimal = Decimal(0)  # part of the month's flows with the world outside
    beside: Decimal = Decimal(0)  # a product's own movement, a broken deposit or a closure: not among them


def _by_month(customer: Customer, marked: Collection[str]) -> tuple[defaultdict[Side, _Told], set[Side]]:
    told: defaultdict[Side, _Told] = defaultdict(_Told)
    earlier: set[Side] = set()
    months = {shown.first_day: shown for shown in customer.months}
    for flow in customer.abnormal:
        began = flow.business_date - timedelta(days=flow.window_days - 1)
        within = [months[first] for first in {flow.business_date.replace(day=1), began.replace(day=1)} if first in months]
        if not within or flow.kind == "income_ended":  # nothing moved
            continue
        shown = max(within, key=lambda shown: (shown.money_out if _outward(flow, shown) else shown.money_in, shown.first_day))
        side = (shown.first_day, _outward(flow, shown))  # over the turn of a month: where most of it lies
        if flow.flow_id not in marked:
            earlier.add(side)
        elif flow.kind in OWN_MOVEMENTS:
            told[side] = replace(told[side], beside=told[side].beside + flow.amount)
        else:  # windows of one movement overlap: the widest tells it all
            told[side] = replace(told[side], inside=max(told[side].inside, flow.amount))
    return told, earlier - set(told)


def _outward(flow: Abnormal, shown: Month) -> bool:
    """A sleeping account may wake by money in or out: the month's own sums tell which."""
    if flow.kind != "woken":
        return flow.kind != "deposit"
    return abs(shown.money_out - flow.amount) <= abs(shown.money_in - flow.amount)


class _Plot:
    """Where amounts lie: one scale for both directions, so that in and out can be compared."""

    def __init__(self, most_in: float, most_out: float, months: int, tallest: float) -> None:
        self.tallest = tallest
        height = HEIGHT - TOP - BOTTOM - 16
        share = most_in / (most_in + most_out) if most_in + most_out else 0.5
        share = min(max(share, MIN_SIDE), 1 - MIN_SIDE)
        up, down = height * share, height * (1 - share)
        self.most_in, self.most_out = most_in, most_out
        self.zero = TOP + up
        self.per_unit = min(up / most_in if most_in else 1e9, down / most_out if most_out else 1e9)
        self.step = (WIDTH - LEFT - RIGHT) / months

    def grid(self, language: str) -> str:
        lines = [f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.zero:.1f}" y2="{self.zero:.1f}"/>']
        for most, sign in ((self.most_in, -1), (self.most_out, 1)):
            if most <= 0 or most * self.per_unit < 14:
                continue
            y = self.zero + sign * most * self.per_unit
            lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            lines.append(f'<text class="axis" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{short_money(most, language)}</text>')
        lines.append(f'<text class="axis" x="{LEFT - 6}" y="{self.zero + 3.5:.1f}" text-anchor="end">0</text>')
        return "".join(lines)

    def bar(self, index: int, outward: bool, total: float, told: _Told, language: str) -> str:
        if total > self.tallest and not (told.inside or told.beside):
            return self._cut(index, outward, total, language)
        inside, beside = min(float(told.inside), total), float(told.beside)
        parts = ((0.0, total - inside, "out" if outward else "in"), (total - inside, inside, "abnormal"), (total, beside, "abnormal own"))
        drawn = "".join(self._rect(index, outward, start, amount, kind) for start, amount, kind in parts if amount > 0)
        amount = float(told.inside) or beside
        return drawn + (self._amount(index, outward, total + beside, amount, language) if amount else "")

    def _cut(self, index: int, outward: bool, total: float, language: str) -> str:
        """A bar too tall for the scale: cut with a gap, its amount at its end."""
        body = self._rect(index, outward, 0, self.tallest * 0.9, "out" if outward else "in")
        tip = self._rect(index, outward, self.tallest * 0.94, self.tallest * 0.06, "out" if outward else "in")
        return body + tip + self._amount(index, outward, self.tallest, total, language, "axis")

    def dot(self, index: int, outward: bool, total: float) -> str:
        y = self._end(outward, min(total, self.tallest)) + (7 if outward else -7) * (1 if total <= self.tallest else 2.6)
        return f'<circle class="earlier" cx="{self._middle(index):.1f}" cy="{y:.1f}" r="2.5"/>'

    def below(self, index: int, first_day: date, language: str) -> str:
        x = f'x="{self._middle(index):.1f}" text-anchor="middle"'
        year = f'<text class="axis" {x} y="{HEIGHT - 3}">{first_day.year}</text>' if first_day.month == 1 else ""
        return f'<text class="axis" {x} y="{HEIGHT - 18}">{month(first_day, language)}</text>{year}'

    def _middle(self, index: int) -> float:
        return LEFT + (index + 0.5) * self.step

    def _end(self, outward: bool, amount: float) -> float:
        return self.zero + (1 if outward else -1) * amount * self.per_unit

    def _rect(self, index: int, outward: bool, start: float, amount: float, kind: str) -> str:
        ends = sorted((self._end(outward, start), self._end(outward, start + amount)))
        width = self.step * BAR
        x, height = self._middle(index) - width / 2, max(ends[1] - ends[0], 0.8)
        return f'<rect class="{kind}" x="{x:.1f}" y="{ends[0]:.1f}" width="{width:.1f}" height="{height:.1f}"/>'

    def _amount(self, index: int, outward: bool, end: float, amount: float, language: str, kind: str = "marked") -> str:
        x = self._middle(index)
        anchor = "end" if x > WIDTH - 50 else "start" if x < LEFT + 40 else "middle"
        x = WIDTH - RIGHT if anchor == "end" else x
        y = self._end(outward, end) + (13 if outward else -5)
        return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{short_money(amount, language)}</text>'
