"""Segments in SQL, for Spark and DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from benchmarks.references.bands import labels
from benchmarks.references.columns import CHANNELS, TIERS
from benchmarks.references.dialect import Asked, listed


def segment_steps(asked: Asked) -> dict[str, str]:
    """Name -> SQL, over `features`, `customers`, `holdings` and the lookups `occupations` and `preferences`."""
    bands = asked.settings.segments.bands
    income = "coalesce(annual_income, 12 * CAST(round(monthly_income_estimate, 2) AS decimal(18, 2)))"
    most = f"greatest({', '.join(f'count_{channel}_90d' for channel in CHANNELS)})"
    used = " ".join(f"WHEN count_{channel}_90d = {most} THEN '{channel}'" for channel in CHANNELS)
    tiers = " ".join(f"WHEN round(assets, 2) < {cut} THEN '{tier}'" for tier, cut in zip(TIERS, bands.tier, strict=False))
    columns = {
        "age_band": band(asked.years("birth_date"), bands.age),
        "income_band": band(income, bands.income),
        "occupation_group": "CASE WHEN c.occupation IS NULL THEN 'unknown' ELSE occupation_group END",
        "preference": "coalesce(preference, 'none')",
        "value_band": band("round(net_value_year, 2)", bands.value),
        "cost_to_serve_band": band("round(cost_to_serve_year, 2)", bands.cost_to_serve),
        "service_tier": f"CASE {tiers} ELSE '{TIERS[len(bands.tier)]}' END",
        "channel_preference": f"CASE WHEN {most} > 0 THEN CASE {used} END ELSE 'unknown' END",
        "loss": """CASE WHEN round(net_value_year, 2) >= 0 THEN NULL
            WHEN round(staffed_cost_year, 2) >= 0.5 * round(cost_to_serve_year, 2) THEN 'loss_staffed' ELSE 'loss_small' END""",
    }
    return {
        "preferred": f"""
            SELECT customer_id, preference FROM (
                SELECT customer_id, preference,
                       row_number() OVER (PARTITION BY customer_id ORDER BY count(*) DESC, sum(coalesce(value, 0)) DESC, place) AS nth
                FROM (
                    SELECT *, row_number() OVER (PARTITION BY customer_id, product_id, acquired_on ORDER BY recorded_on DESC) AS newest
                    FROM holdings
                ) AS h JOIN preferences USING (product_id)
                WHERE newest = 1 AND acquired_on <= DATE '{asked.day}' AND (closed_on IS NULL OR closed_on > DATE '{asked.day}')
                GROUP BY customer_id, preference, place
            ) AS ranked WHERE nth = 1""",
        "segments": f"""
            SELECT f.customer_id, {listed(columns)} FROM features f JOIN customers c ON f.customer_id = c.customer_id
            LEFT JOIN occupations o ON c.occupation = o.occupation LEFT JOIN preferred p ON f.customer_id = p.customer_id""",
    }


def band(value: str, cuts: Sequence[int | Decimal]) -> str:
    """Where a number lies between cut points."""
    names = labels(cuts)
    cases = " ".join(f"WHEN {value} < {cut} THEN '{name}'" for cut, name in zip(cuts, names, strict=False))
    return f"CASE WHEN {value} IS NULL THEN 'unknown' {cases} ELSE '{names[-1]}' END"
