"""What alerts hold of a life event, taken out of them when the customer withdraws consent; the rest stays as it was told."""

from __future__ import annotations

import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from conf.settings import Settings
from worklists.headlines import offered
from worklists.matters import FORGOTTEN


def without_life_events(rows: DataFrame, settings: Settings) -> DataFrame:
    """The rows that hold something of a life event, without it: which event it was, and every offer made only because of one.

    Parameters
    ----------
    rows : DataFrame of `alerts` or `deliveries` rows
    settings : Settings

    Returns
    -------
    DataFrame, same columns; on the rows it returns it finds nothing more
    """
    telling = [name for name, offer in settings.offers.items() if offer.raised_by and offer.raised_by.keys() <= settings.life_events.keys()]
    is_own = F.col("type") == "life_event"
    others = F.filter("offers", lambda offer: ~offer["offer_id"].isin(*telling))
    kept = F.when(is_own, F.slice("offers", 1, 0)).when(F.col("type") == "next_best_offer", F.col("offers")).otherwise(others)
    named = F.try_element_at("offers", F.lit(1))["offer_id"].isin(*telling) & ~is_own
    words = settings.wording[settings.bank.language].reasons
    values = {"offers": kept, "reason": F.when(named, F.rtrim(F.replace("reason", offered(words)))).otherwise(F.col("reason"))}
    holds = F.size(kept) < F.size("offers")
    if "matter" in rows.columns:
        values["matter"] = F.when(is_own, F.lit(FORGOTTEN)).otherwise(F.col("matter"))
        holds = holds | (is_own & (F.col("matter") != FORGOTTEN))
    return rows.where(holds).select(*[values.get(name, F.col(name)).alias(name) for name in rows.columns])
