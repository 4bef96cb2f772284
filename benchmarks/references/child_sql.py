"""A child's probable age from the sizes that were bought for it, in SQL, for Spark and DuckDB: a likelihood for each month of age."""

from __future__ import annotations

OF = "customer_id, event"
MONTH = "CAST(30.44 AS double)"


def child_steps() -> dict[str, str]:
    """Name -> SQL, over `seen` and what is configured of children."""
    return {
        "sighted": f"SELECT DISTINCT {OF}, ago, sign FROM seen JOIN children USING (event) WHERE sign IS NOT NULL",
        "newborns": """
            SELECT s.customer_id, s.event, count(DISTINCT s.ago) AS days, max(s.ago) AS born FROM sighted s
            JOIN sizes z ON s.event = z.event AND s.sign = z.sign AND z.newborn
            JOIN (
                SELECT s.customer_id, s.event, max(s.ago) AS elder FROM sighted s
                JOIN sizes z ON s.event = z.event AND s.sign = z.sign AND z.larger GROUP BY s.customer_id, s.event
            ) AS e ON s.customer_id = e.customer_id AND s.event = e.event AND s.ago < e.elder
            GROUP BY s.customer_id, s.event""",
        "worn": f"""
            SELECT {OF}, sign, starts, ends, early, late, max(ago) AS first, min(ago) AS last FROM (
                SELECT s.customer_id, s.event, s.ago, z.sign, z.starts, z.ends, z.early, z.late FROM sighted s
                JOIN sizes z ON s.event = z.event AND s.sign = z.sign JOIN children c ON s.event = c.event
                LEFT JOIN newborns n ON s.customer_id = n.customer_id AND s.event = n.event
                WHERE n.days IS NULL
                   OR (n.days >= c.newborn_days AND s.ago <= n.born AND z.starts <= c.newborn_until + (n.born - s.ago) / {MONTH})
            ) AS of_youngest GROUP BY {OF}, sign, starts, ends, early, late""",
        "likely": f"""
            SELECT customer_id, w.event, a.months, sum({_fit("last")} + CASE WHEN first > last THEN {_fit("first")} ELSE 0 END) AS score
            FROM worn w JOIN children c ON w.event = c.event JOIN ages a ON w.event = a.event GROUP BY customer_id, w.event, a.months""",
        "youngest": f"""
            SELECT {OF}, months, from_months, to_months FROM (
                SELECT {OF}, widest, round(sum(months * weight) / max(whole), 1) AS months,
                       CAST(count(CASE WHEN below < tail * whole THEN 1 END) AS double) AS from_months,
                       CAST(count(CASE WHEN below < (1 - tail) * whole THEN 1 END) AS double) AS to_months
                FROM (
                    SELECT *, sum(weight) OVER (PARTITION BY {OF}) AS whole,
                           sum(weight) OVER (PARTITION BY {OF} ORDER BY months ROWS UNBOUNDED PRECEDING) AS below
                    FROM (SELECT *, exp(score - max(score) OVER (PARTITION BY {OF})) AS weight FROM likely) AS weighed
                    JOIN children USING (event)
                ) AS summed GROUP BY {OF}, widest
            ) AS told WHERE to_months - from_months <= widest""",
    }  # fmt: skip


def _fit(ago: str) -> str:
    """Log-likelihood of a size on a day, at an age today: it fits, nearly fits, or was for somebody else."""
    then = f"(a.months - {ago} / {MONTH})"
    beyond = f"greatest((starts - {then}) / early, ({then} - ends) / late, 0)"
    return f"ln(doubt / c.sizes + (1 - doubt) * exp(-0.5 * power({beyond}, 2)))"
