"""Rates: one row is what one unit of a currency is worth in base currency on a day."""

from expectations.contract import Contract, Field, Kind, Repeats, Rule

FX_RATES = Contract(
    "fx_rates",
    key=("rate_date", "currency"),
    fields=(
        Field("rate_date", Kind.DATE, required=True),
        Field("currency", Kind.CURRENCY, required=True),
        Field("rate", Kind.NUMBER, required=True, type="decimal(18,8)"),
    ),
    happened="rate_date",
    repeats=Repeats.VERSION,
    has_horizon=False,
    rules=(Rule("RANGE", "rate", "rate <= 0"),),
)
