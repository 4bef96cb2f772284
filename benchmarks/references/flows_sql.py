"""Each customer's flows a day and direction, and how often each size was seen, in SQL, for Spark and DuckDB."""

from __future__ import annotations

import math
from datetime import date, timedelta

from benchmarks.references.columns import DEPOSITS, FLOWS
from benchmarks.references.dialect import Asked, number
from benchmarks.references.look import RECURRING_DAYS, RECURRING_ROWS

UNIT = "customer_id, business_date, direction"
DRAWN = "(type = 'loan' AND direction = 'credit')"


def unit_steps(asked: Asked) -> dict[str, str]:
    """Name -> SQL of flows as known `then` and `now`, of what changed in between, and which days were flagged before.

    Over views `bookings` (every transaction ever told), `accounts`, `rates`, and the product's `daily_flows` of earlier days.
    """
    made = {
        "flags": f"""
            SELECT {UNIT}, recorded_on, surprise FROM (
                SELECT *, row_number() OVER (PARTITION BY {UNIT} ORDER BY recorded_on DESC) AS nth FROM earlier_flows
                WHERE recorded_on < DATE '{asked.day}'
            ) AS told WHERE nth = 1 AND flagged""",
        "unflagged": f"SELECT {UNIT}, surprise FROM flags JOIN forgiven USING ({UNIT}) WHERE recorded_on <= found_on",
    }
    for moment, by in asked.look.moments(asked.day).items():
        made[f"outside_{moment}"] = _outside(asked, by)
        made[f"recurring_{moment}"] = _recurring(asked, f"outside_{moment}")
        made[f"back_{moment}"] = _back(asked, f"outside_{moment}")
        made[f"units_{moment}"] = f"""
            SELECT {UNIT}, max(age) AS age, CAST(sum(base) AS decimal(18, 2)) AS amount, count(*) AS transactions,
                   CAST(sum(CASE WHEN recurring_id IS NULL AND back_id IS NULL THEN base ELSE 0 END) AS decimal(18, 2))
                       AS unusual_amount
            FROM outside_{moment} LEFT JOIN recurring_{moment} ON transaction_id = recurring_id
            LEFT JOIN back_{moment} ON transaction_id = back_id
            WHERE business_date >= DATE '{asked.look.units_from}' GROUP BY {UNIT}"""
    made["changed"] = _changed(asked)
    made["standing_now"] = f"""
        SELECT u.*, f.customer_id IS NOT NULL AND c.customer_id IS NULL AS flagged
        FROM units_now u LEFT JOIN flags f USING ({UNIT}) LEFT JOIN changed c USING ({UNIT})"""
    if asked.look.since:
        made["standing_then"] = f"SELECT u.*, f.customer_id IS NOT NULL AS flagged FROM units_then u LEFT JOIN flags f USING ({UNIT})"
    return made


def _outside(asked: Asked, by: date) -> str:
    """Money between deposits and the world outside as known by a day, what equal amounts of one day cancel left out."""
    alike = "PARTITION BY customer_id, business_date, base"
    ways = ", ".join(f"count(CASE WHEN direction = '{way}' THEN 1 END) OVER ({alike}) AS {way}s" for way in ("credit", "debit"))
    return f"""
        SELECT * FROM (
            SELECT *, row_number() OVER ({alike}, direction ORDER BY transaction_id) AS nth, {ways} FROM (
                SELECT o.customer_id, t.account_id, t.transaction_id, t.business_date, {asked.age("t.business_date")} AS age, t.direction,
                       t.type, t.currency, t.amount, {asked.base("t.amount", "t")} AS base, coalesce(t.counterparty, '') AS side,
                       coalesce(t.counterparty, {asked.without_digits("coalesce(t.description, '')")}) AS series
                FROM bookings t
                JOIN accounts o ON t.account_id = o.account_id
                LEFT JOIN accounts c ON t.counterparty = c.account_id
                {asked.rated("t", "t.business_date")}
                WHERE t.recorded_on <= DATE '{by}' AND (t.superseded_on IS NULL OR t.superseded_on > DATE '{by}')
                  AND t.business_date BETWEEN DATE '{asked.look.units_from - timedelta(days=RECURRING_DAYS)}' AND DATE '{by}'
                  AND o.product_type IN {DEPOSITS}
                  AND ({DRAWN} OR (t.type IN {FLOWS} AND NOT coalesce(c.customer_id = o.customer_id, false)))
            ) AS moved WHERE base IS NOT NULL
        ) AS numbered WHERE nth > least(credits, debits) AND NOT {DRAWN}"""


def _recurring(asked: Asked, outside: str) -> str:
    """Flows with a similar one in enough other months, or with the same a month before."""
    flows = asked.settings.flows
    off, month = "abs(CAST(b.base AS double) - CAST(n.base AS double))", "date_trunc('month', {}.business_date)"
    similar = (f"{off} <= {number(flows.recurring_tolerance)} * CAST(n.base AS double) AND b.age - n.age <= {RECURRING_DAYS} "
               f"AND {month.format('b')} <> {month.format('n')}")
    same = f"n.type <> 'cash' AND b.age - n.age BETWEEN 26 AND 35 AND {off} <= {number(0.01)} * CAST(n.base AS double)"
    numbered = f"""
        SELECT *, row_number() OVER (PARTITION BY account_id, direction, type, series ORDER BY business_date, transaction_id) AS place
        FROM {outside} WHERE base >= {flows.recurring_min_amount}"""
    return f"""
        WITH large AS ({numbered})
        SELECT n.transaction_id AS recurring_id FROM large n JOIN large b
          ON n.account_id = b.account_id AND n.direction = b.direction AND n.type = b.type AND n.series = b.series
         AND b.place < n.place AND b.place >= n.place - {RECURRING_ROWS}
        WHERE n.business_date >= DATE '{asked.look.units_from}'
        GROUP BY n.transaction_id
        HAVING count(DISTINCT CASE WHEN {similar} THEN {month.format('b')} END) >= {flows.recurring_min_months}
            OR count(CASE WHEN {same} THEN 1 END) > 0"""


def _back(asked: Asked, outside: str) -> str:
    """Deposits of the amount that went out to the same side some days before, as many as went."""
    before = f"(PARTITION BY account_id, currency, amount, side ORDER BY -age RANGE BETWEEN {asked.settings.flows.return_days} PRECEDING"
    ways = ", ".join(f"count(CASE WHEN direction = '{way}' THEN 1 END) OVER {before} AND 1 PRECEDING) AS {name}"
                     for name, way in (("went", "debit"), ("came", "credit")))
    return f"""
        SELECT transaction_id AS back_id FROM (SELECT transaction_id, direction, {ways} FROM {outside}
            WHERE base >= {asked.settings.flows.recurring_min_amount}) AS seen
        WHERE direction = 'credit' AND went > came"""


def _changed(asked: Asked) -> str:
    """Units that a row told since has made, grown or emptied."""
    if not asked.look.since:
        return f"SELECT {UNIT}, age, amount, unusual_amount, transactions FROM units_now"
    within = f"> DATE '{asked.look.since}'"
    told = ", ".join(f"coalesce(n.{name}, 0) AS {name}" for name in ("amount", "unusual_amount", "transactions"))
    same = " AND ".join(f"coalesce(n.{name}, 0) = coalesce(t.{name}, 0)" for name in ("amount", "unusual_amount", "transactions"))
    return f"""
        SELECT {UNIT}, coalesce(n.age, t.age) AS age, {told} FROM units_now n FULL JOIN units_then t USING ({UNIT})
        JOIN (
            SELECT DISTINCT o.customer_id, t.business_date FROM bookings t JOIN accounts o ON t.account_id = o.account_id
            WHERE t.recorded_on {within} OR t.superseded_on {within}
        ) AS touched USING (customer_id, business_date)
        WHERE NOT ({same})"""


def sums(asked: Asked, units: str, last: date) -> str:
    """Sums of each window up to a day, of units that are not flagged, as far as the usual of a day reaches."""
    quiet = f"(SELECT * FROM {units} WHERE NOT flagged AND unusual_amount > 0) AS quiet"
    first = last - timedelta(days=asked.settings.flows.baseline_days - 1)
    by_window = " UNION ALL ".join(f"""
        SELECT {UNIT}, age, {days} AS window_days, unusual_amount AS day_amount, CAST(sum(unusual_amount) OVER (
            PARTITION BY customer_id, direction ORDER BY -age RANGE BETWEEN {days - 1} PRECEDING AND CURRENT ROW
        ) AS decimal(18, 2)) AS amount FROM {quiet}""" for days in asked.settings.flows.windows_days)
    return f"SELECT * FROM ({by_window}) AS sums WHERE business_date BETWEEN DATE '{first}' AND DATE '{last}'"


def counts(asked: Asked, units: str, last: date) -> str:
    """How often each size of a customer's sums was seen."""
    size = f"CAST(floor(ln(greatest(CAST(amount AS double), 1)) / {number(math.log(asked.settings.flows.bin_ratio))}) AS int)"
    return f"""
        SELECT customer_id, direction, window_days, {size} AS bin, count(*) AS n FROM ({sums(asked, units, last)}) AS sized
        GROUP BY customer_id, direction, window_days, {size}"""
