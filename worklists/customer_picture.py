"""One customer on one page: for the desk, when the customer walks in."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from conf.settings import Settings
from worklists import figures
from worklists.customer import Customer
from worklists.page import content_policy, product_names, spoken, templates
from worklists.safe_text import visible
from worklists.worklist import Offered

WIDTH = 110  # columns of the printed picture


@dataclass(frozen=True)
class OpenAlert:
    alert_id: str
    type: str
    due_by: date
    headline: str
    reason: str
    flow_ids: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """Everything the desk may know. A reason not to contact is never told, and neither is what was inferred."""

    day: date
    customer: Customer
    alerts: tuple[OpenAlert, ...]
    offers: tuple[Offered, ...]  # none where nothing may be offered
    topics: tuple[str, ...]  # of life events, only of customers who agreed; words of the wording, never the event


def customer_page(picture: Picture, settings: Settings) -> str:
    """The picture as one self-contained page."""
    language = settings.bank.language
    words = settings.wording[language].worklist

    def due(alert: OpenAlert) -> Markup:
        return Markup('<span class="due">{}</span>').format(words["due"].format(day=figures.short_day(alert.due_by, language)))

    return templates().get_template("customer.html.j2").render(
        spoken(settings, picture.day),
        customer=picture.customer,
        day=picture.day,
        alerts=picture.alerts,
        offers=picture.offers,
        topics=picture.topics,
        marked=[flow for alert in picture.alerts for flow in alert.flow_ids],
        alert_due=due,
        policy=content_policy(),
    )


def customer_text(picture: Picture, settings: Settings) -> str:
    """The picture for a terminal."""
    told = _Text(picture, settings)
    target = io.StringIO()
    console = Console(file=target, width=WIDTH, force_terminal=False, color_system=None, highlight=False)
    console.print(told.whole())
    return target.getvalue().rstrip()


class _Text:
    """The same parts as the page, as text."""

    def __init__(self, picture: Picture, settings: Settings) -> None:
        self.picture, self.customer = picture, picture.customer
        self.language, self.currency = settings.bank.language, settings.bank.base_currency
        self.words, self.products = settings.wording[self.language].worklist, product_names(settings)

    def whole(self) -> RenderableType:
        parts: list[RenderableType] = [Panel(self._who(), title=visible(self.customer.name), title_align="left")]
        if self.customer.do_not_contact:
            parts.append(Text(self.words["do_not_contact"], style="bold red"))
        parts += [self._alerts(), self._offers(), Columns([self._accounts(), self._holdings()], padding=(0, 4)), self._months()]
        if self.customer.movements:
            parts.append(self._movements())
        parts.append(self._contacts())
        return Group(*parts)

    def _who(self) -> Text:
        customer, words = self.customer, self.words
        about = [customer.customer_id, self._word("tier_", customer.service_tier), customer.occupation]
        if customer.age_band and customer.age_band != "unknown":
            about.append(words["age"].format(band=customer.age_band))
        if customer.joined_on:
            about.append(words["customer_since"].format(year=customer.joined_on.year))
        may = words["said_yes"] if customer.may_be_offered else words["said_no"]
        worth = (f"{words['assets']} {figures.money(customer.assets)} · {words['deposits']} {figures.money(customer.deposits)} · "
                 f"{words['may_be_offered']}: {may}")
        topics = [f"{words['topics']}: {'; '.join(self.picture.topics)}"] if self.picture.topics else []
        return Text("\n".join([" · ".join(visible(item) for item in about if item), worth, *topics]))

    def _alerts(self) -> Table:
        table = self._table("open_alerts", "due_by_heading", "what")
        for alert in self.picture.alerts:
            table.add_row(figures.day(alert.due_by, self.language), Text(visible(f"{alert.headline}\n{alert.reason}")), style=None)
        return self._or_nothing(table, 2)

    def _offers(self) -> Table:
        table = self._table("best_offers", "product", "value", "why_heading")
        for offer in self.picture.offers:
            table.add_row(Text(visible(offer.name)), figures.money(offer.expected_value), Text(visible(offer.reason)))
        return self._or_nothing(table, 3)

    def _accounts(self) -> Table:
        table = self._table("accounts", "account", "balance", "maturities")
        for account in self.customer.accounts:
            currency = "" if account.currency == self.currency else f" {account.currency}"
            due = "" if account.maturity_on is None else figures.day(account.maturity_on, self.language)
            name = f"{self._word('product_', account.product_type)} {account.account_id}"
            table.add_row(Text(visible(name)), f"{figures.money(account.balance)}{currency}", due)
        return self._or_nothing(table, 3)

    def _holdings(self) -> Table:
        table = self._table("holdings", "product", "since", "value")
        for holding in self.customer.holdings:
            name = self.products.get(holding.product_id) or holding.product_id.replace("_", " ")
            table.add_row(Text(visible(name)), f"{holding.acquired_on:%Y-%m}", figures.money(holding.value))
        return self._or_nothing(table, 3)

    def _months(self) -> Table:
        table = self._table("money_flow", "month", "money_in", "money_out")
        for shown in self.customer.months:
            table.add_row(f"{shown.first_day:%Y-%m}", figures.money(shown.money_in), figures.money(shown.money_out))
        return self._or_nothing(table, 3)

    def _movements(self) -> Table:
        table = self._table("movements", "date", "what", "amount")
        for moved in self.customer.movements:
            currency = "" if moved.currency == self.currency else f" {moved.currency}"
            amount = f"{figures.money(moved.amount)}{currency}"
            table.add_row(figures.day(moved.business_date, self.language), Text(visible(moved.description)), amount)
        return table

    def _contacts(self) -> Table:
        table = self._table("last_contacts", "date", "what", "column_note")
        for contact in self.customer.contacts:
            told = " · ".join(filter(None, (self._word("outcome_", contact.outcome), self._word("cause_", contact.cause))))
            table.add_row(figures.day(contact.on, self.language), told, Text(visible(contact.note or "")))
        return self._or_nothing(table, 3)

    def _table(self, title: str, *columns: str) -> Table:
        table = Table(title=self.words[title].format(currency=self.currency), title_justify="left", title_style="bold", box=None)
        for column in columns:
            amounts = column in ("balance", "value", "money_in", "money_out", "amount")
            table.add_column(self.words[column], justify="right" if amounts else "left", header_style="dim", overflow="fold")
        return table

    def _or_nothing(self, table: Table, columns: int) -> Table:
        if not table.row_count:
            table.add_row(self.words["nothing"], *[""] * (columns - 1))
        return table

    def _word(self, prefix: str, code: str | None) -> str:
        return "" if not code else self.words.get(f"{prefix}{code}", code.replace("_", " "))
