"""Life events in SQL, for Spark and DuckDB: the days that are evidence, and how probable they make an event."""

from __future__ import annotations

from benchmarks.references.child_sql import child_steps
from benchmarks.references.dialect import Asked, count
from benchmarks.references.life_settings import WATCHED_DAYS, in_sight_from, life_lookups
from benchmarks.references.lookups import Lookup

OF_EVENT = "customer_id, event"
OF_KIND = "customer_id, event, kind"


def life_steps(asked: Asked) -> dict[str, str | Lookup]:
    """Name -> SQL, over views of `customers`, `accounts`, `transactions`, `purchases`, `restrictions` as known, and `rates`."""
    look = life_lookups(asked.settings)
    texts = {name: look.pop(name) for name in ("articles", "wordings")}  # of the days that are looked at
    return {
        **look, "consenting": _consenting(asked), "bought": _bought(asked), "paid": _paid(asked), **texts,
        "bought_days": _bought_days(), "paid_days": _paid_days(asked),
        "seen": f"""
            SELECT d.*, {asked.age("business_date")} AS ago, e.window_days, {asked.age("business_date")} < e.window_days AS within,
                   {asked.age("first_on")} - {asked.age("business_date")} AS quiet
            FROM (SELECT *, 'purchases' AS source FROM bought_days UNION ALL SELECT *, 'payments' FROM paid_days) AS d
            JOIN events e ON d.event = e.event AND {asked.age("business_date")} BETWEEN 0 AND e.onset_days - 1
            JOIN (
                SELECT customer_id, 'purchases' AS source, min(business_date) AS first_on FROM bought GROUP BY customer_id
                UNION ALL SELECT customer_id, 'payments', min(business_date) FROM paid GROUP BY customer_id
            ) AS known ON d.customer_id = known.customer_id AND d.source = known.source""",
        **child_steps(),
        "kinds_seen": _kinds(),
        "whole": _whole(),
        "life_events": _posteriors(),
    }  # fmt: skip


def _consenting(asked: Asked) -> str:
    return f"""
        SELECT customer_id, {asked.years("birth_date")} AS age FROM customers
        WHERE life_event_consent AND (closed_on IS NULL OR closed_on > DATE '{asked.day}') AND {asked.years("birth_date")} >= 18
          AND customer_id NOT IN (
            SELECT customer_id FROM (
                SELECT *, row_number() OVER (PARTITION BY customer_id, kind, valid_from ORDER BY recorded_on DESC) AS nth FROM restrictions
            ) AS r
            WHERE nth = 1 AND kind = 'bereavement' AND valid_from <= DATE '{asked.day}'
              AND (valid_to IS NULL OR valid_to >= DATE '{asked.day}'))"""


def _bought(asked: Asked) -> str:
    return f"""
        SELECT customer_id, business_date, sku, quantity, status, concat_ws(' ', category, product_name) AS text
        FROM purchases JOIN consenting USING (customer_id)
        WHERE business_date BETWEEN DATE '{in_sight_from(asked.settings, asked.day)}' AND DATE '{asked.day}'"""


def _paid(asked: Asked) -> str:
    wording = asked.without_digits("coalesce(t.description, '')")
    return f"""
        SELECT a.customer_id, t.business_date, t.direction, t.type, t.amount, t.currency, concat_ws(' ', {wording}, t.counterparty) AS text
        FROM transactions t JOIN accounts a ON t.account_id = a.account_id JOIN consenting k ON a.customer_id = k.customer_id
        LEFT JOIN accounts c ON t.counterparty = c.account_id
        WHERE t.business_date BETWEEN DATE '{in_sight_from(asked.settings, asked.day)}' AND DATE '{asked.day}'
          AND NOT coalesce(c.customer_id = a.customer_id, false)"""


def _bought_days() -> str:
    """What was sent back is taken off the newest purchases of the same article."""
    article = "PARTITION BY customer_id, sku, found"
    return f"""
        SELECT {OF_KIND}, business_date, sign, CAST(sum(kept) AS double) AS quantity FROM (
            SELECT *, paid - greatest(sum(back) OVER ({article}) - coalesce(sum(paid) OVER (
                {article} ORDER BY business_date DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0), 0) AS kept
            FROM (
                SELECT customer_id, sku, business_date, found, sum(CASE WHEN status = 'refunded' THEN 0 ELSE quantity END) AS paid,
                       sum(CASE WHEN status = 'refunded' THEN quantity ELSE 0 END) AS back
                FROM bought JOIN (SELECT DISTINCT text, found FROM articles) AS a USING (text)
                GROUP BY customer_id, sku, business_date, found
            ) AS by_day
        ) AS netted JOIN (SELECT DISTINCT found, event, kind, sign FROM articles) AS matches USING (found)
        WHERE kept > 0 GROUP BY {OF_KIND}, business_date, sign"""


def _paid_days(asked: Asked) -> str:
    """A new other side is one with whom there was nothing before the window, of a customer who was known by then."""
    age, of_kind = asked.age("business_date"), "PARTITION BY p.customer_id, w.event, w.kind"
    first = f"max({asked.age('p.business_date')}) OVER"
    return f"""
        SELECT {OF_KIND}, business_date, sign, CAST(1 AS double) AS quantity FROM (
            SELECT p.customer_id, w.event, w.kind, p.business_date, w.sign, {asked.base("p.amount", "p")} AS base, s.seen_ago,
                   e.window_days, x.min_amount, x.novel, x.another, {first} ({of_kind}) AS elder_ago,
                   {first} ({of_kind}, p.text) AS other_ago
            FROM paid p
            JOIN wordings w ON p.text = w.text AND p.direction = w.direction AND p.type = w.type
            JOIN events e ON w.event = e.event JOIN evidences x ON w.event = x.event AND w.kind = x.kind
            JOIN (SELECT customer_id, max({age}) AS seen_ago FROM paid GROUP BY customer_id) AS s ON p.customer_id = s.customer_id
            {asked.rated("p", "p.business_date")}
        ) AS each
        WHERE base >= min_amount AND (NOT novel OR (other_ago < window_days AND seen_ago >= window_days + {WATCHED_DAYS}))
          AND (NOT another OR elder_ago >= window_days)
        GROUP BY {OF_KIND}, business_date, sign"""


def _kinds() -> str:
    """What each kind of evidence adds, the strongest first."""
    return f"""
        SELECT *, row_number() OVER (PARTITION BY {OF_EVENT} ORDER BY adds DESC, kind DESC) AS nth FROM (
            SELECT k.customer_id, k.event, k.kind, round(adds * power(0.5, ago / half_life), 6) AS adds, pieces > most_in_window AS too_many
            FROM (
                SELECT {OF_KIND}, count(DISTINCT business_date) AS days, min(ago) AS ago, sum(quantity) AS pieces FROM seen
                WHERE within GROUP BY {OF_KIND}
            ) AS k JOIN events e ON k.event = e.event JOIN evidences x ON k.event = x.event AND k.kind = x.kind
            JOIN steps s ON k.event = s.event AND k.kind = s.kind AND k.days = s.days
        ) AS added"""


def _whole() -> str:
    """What there is of an event, in days: within the window, and before it."""
    return f"""
        SELECT {OF_EVENT}, {count("within")} AS all_days, max(quantity) AS most_a_day, max(signs) AS sizes, min(ago) AS silent,
               min(quiet) AS quiet, {count("NOT within")} AS earlier, max(CASE WHEN within THEN ago END) AS began,
               count(DISTINCT CASE WHEN NOT within THEN floor(ago / 30) END) AS months
        FROM (
            SELECT {OF_EVENT}, ago, within, sum(quantity) AS quantity, max(signs) AS signs, min(quiet) AS quiet FROM (
                SELECT {OF_KIND}, ago, within, sum(quantity) AS quantity, count(DISTINCT sign) AS signs, min(quiet) AS quiet
                FROM seen GROUP BY {OF_KIND}, ago, within
            ) AS by_kind GROUP BY {OF_EVENT}, ago, within
        ) AS by_day GROUP BY {OF_EVENT}"""


def _posteriors() -> str:
    gaps = "silence_gaps * CASE WHEN all_days > 2 THEN greatest(CAST(began - silent AS double) / (all_days - 1), 7) END"
    return f"""
        SELECT customer_id, event, probability, stage, child_age_months, child_age_from_months, child_age_to_months FROM (
            SELECT w.customer_id, w.event, enough, s.stage,
                   round(1 / (1 + exp(-(prior + least(adds + coalesce(b.earlier_adds, 0), most)))), 6) AS probability,
                   coalesce(quiet >= quiet_days OR s.proves, quiet >= quiet_days) AS is_new,
                   y.months AS child_age_months, y.from_months AS child_age_from_months, y.to_months AS child_age_to_months
            FROM whole w
            JOIN (
                SELECT k.customer_id, k.event, sum(CASE WHEN nth = 1 THEN adds ELSE round(adds * others, 6) END) AS adds, count(*) AS kinds,
                       {count("too_many")} AS shops
                FROM kinds_seen k JOIN events e ON k.event = e.event GROUP BY k.customer_id, k.event
            ) AS f ON w.customer_id = f.customer_id AND w.event = f.event
            JOIN events e ON w.event = e.event
            JOIN consenting c ON w.customer_id = c.customer_id
            JOIN priors p ON w.event = p.event AND c.age = p.age
            LEFT JOIN (SELECT event, months, round(adds, 6) AS earlier_adds FROM earlier_steps) AS b
              ON w.event = b.event AND w.months = b.months AND lasts
            LEFT JOIN youngest y ON w.customer_id = y.customer_id AND w.event = y.event
            LEFT JOIN stages s ON w.event = s.event AND y.months >= s.from_months AND y.months < s.to_months
            WHERE all_days + CASE WHEN lasts THEN earlier ELSE 0 END >= min_days AND kinds >= min_kinds AND shops = 0
              AND most_a_day <= most_pieces AND sizes <= most_sizes
              AND silent <= coalesce(least(coalesce(silence_days, {gaps}), coalesce({gaps}, silence_days)), silent)
        ) AS judged WHERE is_new AND probability >= enough"""
