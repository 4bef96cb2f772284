"""What there is to tell a customer's relationship manager: one row a customer, whatever happened to them."""

from __future__ import annotations

from datetime import date

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from conf.codes import ALERT_TYPES, AlertType
from conf.settings import ContactPolicy

SALES: tuple[AlertType, ...] = ("life_event", "next_best_offer")  # nothing but an offer to say
FORGOTTEN = "life_event||"  # the matter of an alert whose customer has withdrawn consent
LIFETIME = 14  # days, where the configuration names none
UNSAFE = "fraud_or_scam"  # the likely cause that turns a call into a call for the customer's safety
WOULD_BE = "struct<offer_id: string, probability: double, expected_value: double>"  # the first offer, were there no lot


def one_a_customer(flows: DataFrame, life_events: DataFrame) -> DataFrame:
    """The stronger matter of each customer; a life event's offers go with the flow that is told.

    Parameters
    ----------
    flows, life_events : DataFrames with the columns of `flow_matters.flow_matters`
    """
    of_customer = Window.partitionBy("customer_id")
    together = F.sort_array(F.array_distinct(F.flatten(F.collect_list("events").over(of_customer))))
    nth = F.row_number().over(of_customer.orderBy(strength(F.col("type")), "matter"))
    return flows.unionByName(life_events).withColumns({"events": together, "_nth": nth}).where("_nth = 1").drop("_nth")


def lifetime(kind: Column, policy: ContactPolicy) -> Column:
    """Days an alert of a type stays open."""
    days = F.lit(LIFETIME)
    for name, configured in policy.expires_after_days.items():
        days = F.when(kind == name, F.lit(configured)).otherwise(days)
    return days


def told_before(today: date) -> Column:
    """Whether an alert was told to somebody before today; one held back by lot counts as told, so that both groups compare."""
    opened = (F.col("status") != "suppressed") | F.col("closed_on").isNotNull() | F.col("control_group")
    return (F.col("raised_on") < F.lit(today)) & opened


def strength(kind: Column) -> Column:
    """1 for the strongest type."""
    return F.array_position(texts(ALERT_TYPES), kind).cast("int")


def texts(names: tuple[str, ...]) -> Column:
    return F.array(*[F.lit(name) for name in names])
