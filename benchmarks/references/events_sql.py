"""Money in and out, income and purchases in SQL, for Spark and DuckDB: what is counted from events."""

from __future__ import annotations

from benchmarks.references.columns import (
    BOUGHT_DAYS,
    CHANNELS,
    DEPOSITS,
    EVENT_COLUMNS,
    FLOWS,
    GOODS,
    KINDS_IN,
    KINDS_OUT,
    OWN_MONEY,
    REGULAR,
    WAYS,
    WINDOWS,
)
from benchmarks.references.dialect import Asked, count, listed, share, total


def event_parts(asked: Asked) -> dict[str, str]:
    """Name -> SQL of what is counted; those with one row a customer are `habits`, `flows`, `salary`, `regular`, `bought`, `orders`.

    Over views `transactions`, `accounts`, `purchases` as known, `rates`, and `kinds` (`category`, `kind` of goods).
    """
    back = "CASE WHEN p.status = 'refunded' THEN p.quantity * p.unit_price ELSE 0 END"
    return {
        "moved": f"""
            SELECT o.customer_id, t.account_id, t.transaction_id, t.business_date, {asked.age("t.business_date")} AS age, t.direction,
                   t.type, t.channel, t.currency, t.amount, {asked.base("t.amount", "t")} AS base, {asked.hour("t.booked_at")} AS hour,
                   {asked.weekend("t.business_date")} AS weekend, o.product_type, coalesce(c.customer_id = o.customer_id, false) AS own,
                   coalesce(t.counterparty, {asked.without_digits("coalesce(t.description, '')")}) AS series
            FROM transactions t
            JOIN accounts o ON t.account_id = o.account_id
            LEFT JOIN accounts c ON t.counterparty = c.account_id
            {asked.rated("t", "t.business_date")}
            WHERE {asked.known("t.business_date")}""",
        "outside": _netted("true"),
        "regularly": _netted(f"type IN {REGULAR} AND age < 150"),
        "habits": _habits(asked.settings.bank.base_currency),
        "flows": _flows(),
        "salaries": """
            SELECT customer_id, business_date, age, CAST(sum(base) AS decimal(18, 2)) AS paid FROM outside
            WHERE direction = 'credit' AND type = 'salary' AND base IS NOT NULL GROUP BY customer_id, business_date, age""",
        "salary": _salary(),
        "regular": _regular(),
        "baskets": f"""
            SELECT p.customer_id, p.order_id, p.business_date, {asked.age("p.business_date")} AS age, k.kind,
                   {asked.base("sum(CASE WHEN p.status = 'refunded' THEN -1 ELSE 1 END * p.quantity * p.unit_price)", "p")} AS amount,
                   {asked.base(f"sum({back})", "p")} AS refunded, {count("p.status <> 'refunded'")} AS lines,
                   {asked.weekend("p.business_date")} AS weekend
            FROM purchases p JOIN kinds k ON p.category = k.category
            {asked.rated("p", "p.business_date")}
            WHERE {asked.known("p.business_date")}
            GROUP BY p.customer_id, p.order_id, p.business_date, p.currency, k.kind, r.rate""",
        "bought": _bought(),
        "orders": _orders(),
    }


def _netted(which: str) -> str:
    """Movements between deposits and others; of equal amounts of one day that go both ways none, nor of a loan spent that day."""
    alike = "PARTITION BY customer_id, business_date, currency, amount"
    drawn = "(type = 'loan' AND direction = 'credit')"
    ways = ", ".join(f"count(CASE WHEN direction = '{way}' THEN 1 END) OVER ({alike}) AS {way}s" for way in WAYS.values())
    return f"""
        SELECT * FROM (
            SELECT *, row_number() OVER ({alike}, direction ORDER BY transaction_id) AS nth, {ways} FROM moved
            WHERE product_type IN {DEPOSITS} AND ({drawn} OR (type IN {FLOWS} AND NOT own)) AND {which}
        ) AS numbered WHERE nth > least(credits, debits) AND NOT {drawn}"""


def _habits(currency: str) -> str:
    sums = {"movements": "count(CASE WHEN age < 90 THEN 1 END)", "hours": total("hour", "age < 90")}
    marks = {"evening": "hour >= 18", "night": "hour < 6", "weekend": "weekend", "foreign": f"currency <> '{currency}'"}
    sums |= {f"{name}s": count(f"age < 90 AND {when}") for name, when in marks.items()}
    sums |= {f"count_{channel}_90d": count(f"age < 90 AND channel = '{channel}'") for channel in CHANNELS}
    for way, kinds in (("in", KINDS_IN), ("out", KINDS_OUT)):
        for kind in kinds:
            whose = "product_type IN ('current', 'savings')" if kind in OWN_MONEY else "NOT own"
            sums[f"{way}_{kind}_90d"] = total("base", f"age < 90 AND type = '{kind}' AND direction = '{WAYS[way]}' AND {whose}")
    return f"SELECT customer_id, min(age) AS days_since_movement, {listed(sums)} FROM moved GROUP BY customer_id"


def _flows() -> str:
    sums = {"withdrawn": total("base", "age < 90 AND type = 'cash' AND direction = 'debit'")}
    for way, direction in WAYS.items():
        for days in WINDOWS:
            sums[f"{way}_amount_{days}d"] = total("base", f"age < {days} AND direction = '{direction}'")
            sums[f"{way}_count_{days}d"] = count(f"age < {days} AND direction = '{direction}'")
        sums[f"largest_{way}_90d"] = f"CAST(max(CASE WHEN age < 90 AND direction = '{direction}' THEN base END) AS double)"
    return f"SELECT customer_id, {listed(sums)} FROM outside GROUP BY customer_id"


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
            FROM (SELECT customer_id, sum(paid) AS paid FROM salaries WHERE age < 180
                  GROUP BY customer_id, date_trunc('month', business_date)) AS by_month
            GROUP BY customer_id
        ) AS lately USING (customer_id)
        GROUP BY customer_id"""


def _regular() -> str:
    return """
        SELECT customer_id, max(CASE WHEN direction = 'credit' THEN monthly END) AS regular_income_month,
               count(CASE WHEN direction = 'debit' THEN 1 END) AS regular_payments,
               coalesce(sum(CASE WHEN direction = 'debit' THEN monthly END), 0) AS regular_payments_month
        FROM (
            SELECT customer_id, direction, median(CAST(paid AS double)) AS monthly FROM (
                SELECT customer_id, account_id, direction, type, series, sum(base) AS paid, count(*) AS times, max(base) AS most,
                       min(base) AS least
                FROM regularly WHERE base IS NOT NULL
                GROUP BY customer_id, account_id, direction, type, series, date_trunc('month', business_date)
            ) AS by_month
            GROUP BY customer_id, account_id, direction, type, series
            HAVING count(*) >= 3 AND CAST(max(most) - min(least) AS double) <= 0.5 * CAST(sum(paid) AS double) / sum(times)
        ) AS series GROUP BY customer_id"""


def _bought() -> str:
    sums = {f"spent_{days}d": total("amount", f"age < {days}") for days in BOUGHT_DAYS}
    sums |= {f"spent_{kind}": f"greatest({total('amount', f'age < 90 AND kind = {kind!r}')}, 0)" for kind in (*GOODS, "other")}
    sums |= {"refunded": total("refunded", "true"), "purchase_days_90d": _days("lines > 0 AND age < 90")}
    sums |= {f"days_since_{kind}": f"min(CASE WHEN lines > 0 AND kind = '{kind}' THEN age END)" for kind in GOODS}
    sums |= {"days_since_purchase": "min(CASE WHEN lines > 0 THEN age END)"}
    sums |= {"days_since_first_purchase": "max(CASE WHEN lines > 0 THEN age END)"}
    return f"SELECT customer_id, {listed(sums)} FROM baskets GROUP BY customer_id"


def _orders() -> str:
    sums = {f"orders_{days}d": count(f"age < {days}") for days in BOUGHT_DAYS}
    sums |= {"lines_90d": total("lines", "age < 90"), "weekend_orders": count("age < 90 AND weekend")}
    return f"""
        SELECT customer_id, {listed(sums)} FROM (
            SELECT customer_id, order_id, age, weekend, sum(lines) AS lines FROM baskets
            GROUP BY customer_id, order_id, age, weekend HAVING sum(lines) > 0
        ) AS whole_orders GROUP BY customer_id"""


def event_columns() -> dict[str, str]:
    """Each of `EVENT_COLUMNS`, of what was counted."""
    every = {name: name for name in EVENT_COLUMNS}
    every |= {f"net_amount_{days}d": f"coalesce(in_amount_{days}d, 0) - coalesce(out_amount_{days}d, 0)" for days in (30, 90, 365)}
    for mark in ("weekend", "evening", "night", "foreign"):
        every[f"{mark}_share_90d"] = share(f"{mark}s", "movements")
    spent = " + ".join(f"spent_{kind}" for kind in (*GOODS, "other"))
    estimate = "CASE WHEN salary_months >= 2 THEN month_median ELSE regular_income_month END"
    every |= {
        "usual_hour_90d": share("hours", "movements"),
        "digital_share_90d": share("(count_mobile_90d + count_online_90d)", "movements"),
        "staffed_share_90d": share("(count_counter_90d + count_pad_90d)", "movements"),
        "cash_share_90d": share("withdrawn", "out_amount_90d"),
        "kept_share_90d": share("(in_amount_90d - out_amount_90d)", "in_amount_90d"),
        **{f"{way}_trend_{short}d": _trend(f"{way}_amount", short, long) for way in WAYS for short, long in ((30, 90), (90, 365))},
        **{f"spent_trend_{short}d": _trend("spent", short, long) for short, long in ((30, 90), (90, 365))},
        "has_salary": "coalesce(salary_months >= 2, false)",
        "salary_month": "CASE WHEN salary_months >= 2 THEN month_median END",
        "monthly_income_estimate": estimate,
        "regular_payments_share": share("coalesce(regular_payments_month, 0)", estimate),
        "basket_90d": "spent_90d / nullif(orders_90d, 0)",
        "lines_per_order_90d": share("lines_90d", "orders_90d"),
        "refund_share_365d": share("refunded", "(spent_365d + refunded)"),
        "purchase_weekend_share_90d": share("weekend_orders", "orders_90d"),
        "purchase_groups_90d": " + ".join(f"CASE WHEN spent_{kind} > 0 THEN 1 ELSE 0 END" for kind in (*GOODS, "other")),
        **{f"share_{kind}_90d": share(f"spent_{kind}", f"({spent})") for kind in GOODS},
    }
    return every


def _days(when: str) -> str:
    return f"count(DISTINCT CASE WHEN {when} THEN business_date END)"


def _trend(amount: str, short: int, long: int) -> str:
    usual = f"CASE WHEN {amount}_{long}d > 0 THEN {amount}_{long}d END"
    return f"{amount}_{short}d / {short} / ({usual} / {long}) - 1"
