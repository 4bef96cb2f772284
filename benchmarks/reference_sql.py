"""The features of money in and out, income and purchases in SQL: one query for Spark and DuckDB, sharing no code with the product.

Over views `transactions`, `accounts`, `fx_rates`, `purchases` as they are known, and `kinds` (`category`, `kind` of goods).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

WINDOWS = (1, 7, 30, 90, 180, 365)
WAYS = {"in": "credit", "out": "debit"}
FLOWS = ("cash", "transfer", "card", "bill", "salary", "other")
DEPOSITS = ("current", "savings", "time_deposit")
REGULAR = ("transfer", "bill", "other")
CHANNELS = ("counter", "atm", "crs", "mobile", "online", "pad", "mit")
KINDS_IN = ("cash", "transfer", "salary", "interest", "investment", "loan", "time_deposit")
KINDS_OUT = ("cash", "transfer", "card", "bill", "fee", "investment", "loan", "time_deposit")
OWN_MONEY = ("investment", "loan", "time_deposit")
GOODS = ("food", "home", "clothing", "electronics", "travel", "motor", "education", "leisure")
BOUGHT_DAYS = (30, 90, 365)

FLOW_COLUMNS = (
    *(f"{way}_{what}_{days}d" for way in WAYS for what in ("amount", "count") for days in WINDOWS),
    *(f"in_{kind}_90d" for kind in KINDS_IN), *(f"out_{kind}_90d" for kind in KINDS_OUT),
    *(f"count_{channel}_90d" for channel in CHANNELS), "digital_share_90d", "staffed_share_90d", "cash_share_90d",
    "weekend_share_90d", "evening_share_90d", "night_share_90d", "usual_hour_90d", "foreign_share_90d", "largest_in_90d",
    "largest_out_90d", "net_amount_30d", "net_amount_90d", "net_amount_365d", "in_trend_30d", "in_trend_90d", "out_trend_30d",
    "out_trend_90d", "kept_share_90d", "days_since_movement",
)  # fmt: skip
INCOME_COLUMNS = (
    "has_salary", "salary_month", "salary_last", "salary_day", "days_since_salary", "salary_change", "months_since_salary_change",
    "salary_payments_365d", "regular_income_month", "monthly_income_estimate", "regular_payments", "regular_payments_month",
    "regular_payments_share",
)  # fmt: skip
PURCHASE_COLUMNS = (
    *(f"spent_{days}d" for days in BOUGHT_DAYS), *(f"orders_{days}d" for days in BOUGHT_DAYS), "days_since_purchase",
    "days_since_first_purchase", "purchase_days_90d", "basket_90d", "lines_per_order_90d", "refund_share_365d", "spent_trend_30d",
    "spent_trend_90d", "purchase_weekend_share_90d", "purchase_groups_90d", *(f"share_{kind}_90d" for kind in GOODS),
    *(f"days_since_{kind}" for kind in GOODS),
)  # fmt: skip
COLUMNS = (*FLOW_COLUMNS, *INCOME_COLUMNS, *PURCHASE_COLUMNS)


@dataclass(frozen=True)
class Dialect:
    """What Spark and DuckDB say differently; `{}` stands for an expression, `{day}` and `{zone}` for what is asked."""

    age: str
    hour: str
    weekend: str
    without_digits: str


SPARK = Dialect(
    age="datediff(DATE '{day}', {})",
    hour="hour(from_utc_timestamp({}, '{zone}'))",
    weekend="dayofweek({}) IN (1, 7)",
    without_digits="regexp_replace({}, '[0-9]+', '#')",
)
DUCKDB = Dialect(
    age="(DATE '{day}' - {})",
    hour="hour({} AT TIME ZONE 'UTC' AT TIME ZONE '{zone}')",
    weekend="dayofweek({}) IN (0, 6)",
    without_digits="regexp_replace({}, '[0-9]+', '#', 'g')",
)


def query(dialect: Dialect, day: date, currency: str, zone: str) -> str:
    """One row a customer of whom any event is known: `customer_id` and `COLUMNS`, money as double; null where nothing was found."""

    def said(what: str, of: str) -> str:
        return what.format(of, day=day, zone=zone)

    moved = f"""
        SELECT o.customer_id, t.account_id, t.transaction_id, t.business_date, {said(dialect.age, "t.business_date")} AS age, t.direction,
               t.type, t.channel, t.currency, t.amount, {_base("t.amount", currency)} AS base,
               {said(dialect.hour, "t.booked_at")} AS hour, {said(dialect.weekend, "t.business_date")} AS weekend,
               coalesce(t.counterparty, {said(dialect.without_digits, "coalesce(t.description, '')")}) AS series,
               o.product_type, coalesce(c.customer_id = o.customer_id, false) AS own
        FROM transactions t
        JOIN accounts o ON t.account_id = o.account_id
        LEFT JOIN accounts c ON t.counterparty = c.account_id
        LEFT JOIN rates r ON t.currency = r.currency AND t.business_date >= r.since AND t.business_date < r.until
        WHERE t.business_date > DATE '{day}' - INTERVAL 365 DAYS AND t.business_date <= DATE '{day}'"""
    return f"""
        WITH rates AS (
            SELECT currency, rate, rate_date AS since,
                   coalesce(lead(rate_date) OVER (PARTITION BY currency ORDER BY rate_date), DATE '9999-12-31') AS until
            FROM fx_rates
        ),
        moved AS ({moved}),
        outside AS ({_netted("true")}),
        regularly AS ({_netted(f"type IN {REGULAR} AND age < 150")}),
        habits AS ({_habits(currency)}),
        flows AS ({_flows()}),
        salaries AS (
            SELECT customer_id, business_date, age, CAST(sum(base) AS decimal(18, 2)) AS paid FROM outside
            WHERE direction = 'credit' AND type = 'salary' AND base IS NOT NULL GROUP BY customer_id, business_date, age
        ),
        salary AS ({_salary()}),
        regular AS ({_regular()}),
        baskets AS (
            SELECT p.customer_id, p.order_id, p.business_date, {said(dialect.age, "p.business_date")} AS age, k.kind,
                   {_base("sum(CASE WHEN p.status = 'refunded' THEN -1 ELSE 1 END * p.quantity * p.unit_price)", currency, "p")} AS amount,
                   {_base("sum(CASE WHEN p.status = 'refunded' THEN p.quantity * p.unit_price ELSE 0 END)", currency, "p")} AS refunded,
                   count(CASE WHEN p.status <> 'refunded' THEN 1 END) AS lines,
                   {said(dialect.weekend, "p.business_date")} AS weekend
            FROM purchases p JOIN kinds k ON p.category = k.category
            LEFT JOIN rates r ON p.currency = r.currency AND p.business_date >= r.since AND p.business_date < r.until
            WHERE p.business_date > DATE '{day}' - INTERVAL 365 DAYS AND p.business_date <= DATE '{day}'
            GROUP BY p.customer_id, p.order_id, p.business_date, p.currency, k.kind, r.rate
        ),
        bought AS ({_bought()}),
        orders AS ({_orders()}),
        whole AS (
            SELECT * FROM habits FULL JOIN flows USING (customer_id) FULL JOIN salary USING (customer_id)
            FULL JOIN regular USING (customer_id) FULL JOIN bought USING (customer_id) FULL JOIN orders USING (customer_id)
        )
        SELECT customer_id, {_listed(_derived())} FROM whole"""


def _base(amount: str, currency: str, of: str = "t") -> str:
    exact = f"CAST(round({amount}, 2) AS decimal(18, 2))"
    return f"CASE WHEN {of}.currency = '{currency}' THEN {exact} ELSE CAST(round({exact} * r.rate, 2) AS decimal(18, 2)) END"


def _netted(which: str) -> str:
    """Movements between deposits and others; of equal amounts of one day that go both ways none."""
    alike = "PARTITION BY customer_id, business_date, currency, amount"
    ways = ", ".join(f"count(CASE WHEN direction = '{way}' THEN 1 END) OVER ({alike}) AS {way}s" for way in WAYS.values())
    return f"""
        SELECT * FROM (
            SELECT *, row_number() OVER ({alike}, direction ORDER BY transaction_id) AS nth, {ways} FROM moved
            WHERE product_type IN {DEPOSITS} AND type IN {FLOWS} AND NOT own AND {which}
        ) AS numbered WHERE nth > least(credits, debits)"""


def _habits(currency: str) -> str:
    sums = {"movements": "count(CASE WHEN age < 90 THEN 1 END)", "hours": _sum("hour", "age < 90")}
    marks = {"evening": "hour >= 18", "night": "hour < 6", "weekend": "weekend", "foreign": f"currency <> '{currency}'"}
    sums |= {f"{name}s": _count(f"age < 90 AND {when}") for name, when in marks.items()}
    sums |= {f"count_{channel}_90d": _count(f"age < 90 AND channel = '{channel}'") for channel in CHANNELS}
    for way, kinds in (("in", KINDS_IN), ("out", KINDS_OUT)):
        for kind in kinds:
            whose = "product_type IN ('current', 'savings')" if kind in OWN_MONEY else "NOT own"
            sums[f"{way}_{kind}_90d"] = _sum("base", f"age < 90 AND type = '{kind}' AND direction = '{WAYS[way]}' AND {whose}")
    return f"SELECT customer_id, min(age) AS days_since_movement, {_listed(sums)} FROM moved GROUP BY customer_id"


def _flows() -> str:
    sums = {"withdrawn": _sum("base", "age < 90 AND type = 'cash' AND direction = 'debit'")}
    for way, direction in WAYS.items():
        for days in WINDOWS:
            sums[f"{way}_amount_{days}d"] = _sum("base", f"age < {days} AND direction = '{direction}'")
            sums[f"{way}_count_{days}d"] = _count(f"age < {days} AND direction = '{direction}'")
        sums[f"largest_{way}_90d"] = f"CAST(max(CASE WHEN age < 90 AND direction = '{direction}' THEN base END) AS double)"
    return f"SELECT customer_id, {_listed(sums)} FROM outside GROUP BY customer_id"


def _salary() -> str:
    return """
        SELECT customer_id, CAST(max(CASE WHEN nth = 1 THEN paid END) AS double) AS salary_last, day(max(business_date)) AS salary_day,
               min(age) AS days_since_salary, count(*) AS salary_payments_365d,
               CASE WHEN count(*) > 2 THEN CAST(max(CASE WHEN nth = 1 THEN paid END) AS double)
                   / median(CAST(CASE WHEN nth > 1 THEN paid END AS double)) - 1 END AS salary_change,
               floor(min(CASE WHEN abs(paid - earlier) >= 0.1 * earlier THEN age END) / 30) AS months_since_salary_change,
               max(months) AS salary_months, max(month_median) AS month_median
        FROM (
            SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY age) AS nth,
                   lag(paid) OVER (PARTITION BY customer_id ORDER BY age DESC) AS earlier
            FROM salaries
        ) AS each
        LEFT JOIN (
            SELECT customer_id, count(*) AS months, median(CAST(paid AS double)) AS month_median
            FROM (SELECT customer_id, floor(age / 30) AS month, sum(paid) AS paid FROM salaries WHERE age < 180
                  GROUP BY customer_id, floor(age / 30)) AS by_month
            GROUP BY customer_id
        ) AS lately USING (customer_id)
        GROUP BY customer_id"""


def _regular() -> str:
    return """
        SELECT customer_id, max(CASE WHEN direction = 'credit' THEN monthly END) AS regular_income_month,
               count(CASE WHEN direction = 'debit' THEN 1 END) AS regular_payments,
               coalesce(sum(CASE WHEN direction = 'debit' THEN monthly END), 0) AS regular_payments_month
        FROM (
            SELECT customer_id, direction, sum(CAST(base AS double)) / count(DISTINCT floor(age / 30)) AS monthly
            FROM regularly WHERE base IS NOT NULL
            GROUP BY customer_id, account_id, direction, type, series
            HAVING count(DISTINCT floor(age / 30)) >= 3
               AND CAST(max(base) - min(base) AS double) <= 0.5 * CAST(sum(base) AS double) / count(*)
        ) AS series GROUP BY customer_id"""


def _bought() -> str:
    sums = {f"spent_{days}d": _sum("amount", f"age < {days}") for days in BOUGHT_DAYS}
    sums |= {f"spent_{kind}": f"greatest({_sum('amount', f'age < 90 AND kind = {kind!r}')}, 0)" for kind in (*GOODS, "other")}
    sums |= {"refunded": _sum("refunded", "true"), "purchase_days_90d": _days("lines > 0 AND age < 90")}
    sums |= {f"days_since_{kind}": f"min(CASE WHEN lines > 0 AND kind = '{kind}' THEN age END)" for kind in GOODS}
    sums |= {"days_since_purchase": "min(CASE WHEN lines > 0 THEN age END)"}
    sums |= {"days_since_first_purchase": "max(CASE WHEN lines > 0 THEN age END)"}
    return f"SELECT customer_id, {_listed(sums)} FROM baskets GROUP BY customer_id"


def _orders() -> str:
    sums = {f"orders_{days}d": _count(f"age < {days}") for days in BOUGHT_DAYS}
    sums |= {"lines_90d": _sum("lines", "age < 90"), "weekend_orders": _count("age < 90 AND weekend")}
    return f"""
        SELECT customer_id, {_listed(sums)} FROM (
            SELECT customer_id, order_id, age, weekend, sum(lines) AS lines FROM baskets
            GROUP BY customer_id, order_id, age, weekend HAVING sum(lines) > 0
        ) AS whole_orders GROUP BY customer_id"""


def _derived() -> dict[str, str]:
    """Every column, of what was summed."""
    every = {name: name for name in COLUMNS}
    every |= {f"net_amount_{days}d": f"coalesce(in_amount_{days}d, 0) - coalesce(out_amount_{days}d, 0)" for days in (30, 90, 365)}
    for name, count in (("weekend", "weekends"), ("evening", "evenings"), ("night", "nights"), ("foreign", "foreigns")):
        every[f"{name}_share_90d"] = _share(count, "movements")
    spent = " + ".join(f"spent_{kind}" for kind in (*GOODS, "other"))
    estimate = "CASE WHEN salary_months >= 2 THEN month_median ELSE regular_income_month END"
    every |= {
        "usual_hour_90d": _share("hours", "movements"),
        "digital_share_90d": _share("(count_mobile_90d + count_online_90d)", "movements"),
        "staffed_share_90d": _share("(count_counter_90d + count_pad_90d)", "movements"),
        "cash_share_90d": _share("withdrawn", "out_amount_90d"),
        "kept_share_90d": _share("(in_amount_90d - out_amount_90d)", "in_amount_90d"),
        **{f"{way}_trend_{short}d": _trend(f"{way}_amount", short, long) for way in WAYS for short, long in ((30, 90), (90, 365))},
        **{f"spent_trend_{short}d": _trend("spent", short, long) for short, long in ((30, 90), (90, 365))},
        "has_salary": "coalesce(salary_months >= 2, false)",
        "salary_month": "CASE WHEN salary_months >= 2 THEN month_median END",
        "monthly_income_estimate": estimate,
        "regular_payments_share": _share("coalesce(regular_payments_month, 0)", estimate),
        "basket_90d": "spent_90d / nullif(orders_90d, 0)",
        "lines_per_order_90d": _share("lines_90d", "orders_90d"),
        "refund_share_365d": _share("refunded", "(spent_365d + refunded)"),
        "purchase_weekend_share_90d": _share("weekend_orders", "orders_90d"),
        "purchase_groups_90d": " + ".join(f"CASE WHEN spent_{kind} > 0 THEN 1 ELSE 0 END" for kind in (*GOODS, "other")),
        **{f"share_{kind}_90d": _share(f"spent_{kind}", f"({spent})") for kind in GOODS},
    }
    return every


def _sum(of: str, when: str) -> str:
    return f"coalesce(CAST(sum(CASE WHEN {when} THEN {of} END) AS double), 0)"


def _count(when: str) -> str:
    return f"count(CASE WHEN {when} THEN 1 END)"


def _days(when: str) -> str:
    return f"count(DISTINCT CASE WHEN {when} THEN business_date END)"


def _share(part: str, whole: str) -> str:
    return f"CAST({part} AS double) / nullif(CAST({whole} AS double), 0)"


def _trend(amount: str, short: int, long: int) -> str:
    usual = f"CASE WHEN {amount}_{long}d > 0 THEN {amount}_{long}d END"
    return f"{amount}_{short}d / {short} / ({usual} / {long}) - 1"


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
