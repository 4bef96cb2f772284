"""One alert, from the customer's flows to the words on the worklist. Run it with `make notebooks`, after `make run`."""
# ruff: noqa: E402

# %% [markdown]
# # One alert explained
#
# An RM reads one line: *this customer moved far more money than usual*. Behind it stand rows, a picture of what is usual for
# this customer, and a number that can be computed again. This notebook takes one alert apart, with the functions the
# nightly jobs call.
#
# It reads the demo's tables (`make run` makes them). `KEHU_LAKE` and `KEHU_CONF` name others.

# %%
import os
from datetime import timedelta

import matplotlib.pyplot as plt
import pandas as pd

from conf import load_settings
from jobs.context import places
from tables.arrow import read_arrow

settings = load_settings(os.environ.get("KEHU_CONF", "simulation/conf/complete_journey"))
where = places(settings, None, os.environ.get("KEHU_LAKE", "demo/lake"))


def rows(table: str, *filters: tuple) -> pd.DataFrame:
    """Rows of a table without Spark."""
    return read_arrow(where.lake, table, filters=list(filters)).to_pandas()


# %% [markdown]
# ## The alert
# Of the alerts about an unusual flow, the most urgent one.

# %%
flows = rows("abnormal_flows", ("kind", "in", ["withdrawal", "deposit"]))
alerts = rows("alerts", ("type", "in", ["abnormal_withdrawal", "abnormal_deposit"]))
statistical = alerts["flow_ids"].map(lambda ids: ids is not None and len(ids) > 0 and set(ids) <= set(flows["flow_id"]))
alert = alerts[list(statistical)].sort_values(["priority", "alert_id"], ascending=[False, True]).iloc[0]
flow = flows[flows["flow_id"] == alert["flow_ids"][0]].iloc[0]
direction = "debit" if flow["kind"] == "withdrawal" else "credit"
print(alert["headline"])
print(alert["reason"])

# %% [markdown]
# ## The rows behind it
# The evidence names transactions by id: nothing on a worklist stands there without rows.

# %%
transactions = rows("transactions", ("transaction_id", "in", list(flow["transaction_ids"])))
transactions[["booked_at", "amount", "currency", "direction", "type", "channel", "description"]].sort_values("booked_at")

# %% [markdown]
# ## The customer's flows
# Each day's sum in this direction, transfers between own accounts netted. Recurring flows (salary, rent) are part of the day, but not
# of what is judged.

# %%
days = rows("daily_flows", ("customer_id", "=", flow["customer_id"]), ("direction", "=", direction))
days = days[days["recorded_on"] <= flow["detected_on"]].sort_values("recorded_on").groupby("business_date").last()
figure, axes = plt.subplots(figsize=(11, 3.2))
axes.bar(days.index, days["amount"].astype(float), width=1.5, color="lightgrey", label="all flows of the day")
axes.bar(days.index, days["unusual_amount"].astype(float), width=1.5, color="steelblue", label="without recurring flows")
first = flow["business_date"] - timedelta(days=int(flow["window_days"]) - 1)
axes.axvspan(first - timedelta(days=1), flow["business_date"] + timedelta(days=1), color="tomato", alpha=0.3, label="the alert")
axes.set_ylabel(settings.bank.base_currency)
axes.legend(loc="upper left")
figure.tight_layout()

# %% [markdown]
# ## What is usual
# The baseline is nothing but counts of past flows in bins of a logarithmic scale, which can be added and subtracted day by day.
# The flow is drawn at its own bin; it is not part of the counts.

# %%
import math

baselines = rows("flow_baselines", ("customer_id", "=", flow["customer_id"]), ("direction", "=", direction),
                 ("window_days", "=", int(flow["window_days"])))
before = baselines[baselines["as_of"] < flow["detected_on"]]
newest = (before if len(before) else baselines).sort_values("as_of").iloc[-1]
counts = {each["bin"]: each["count"] for each in newest["bins"]}
figure, axes = plt.subplots(figsize=(11, 2.6))
amounts = [settings.flows.bin_ratio**number for number in counts]
axes.bar(amounts, counts.values(), width=[0.2 * amount for amount in amounts], color="steelblue", label="past flows")
axes.axvline(float(flow["amount"]), color="tomato", label="this flow")
axes.set_xscale("log")
axes.set_xlabel(f"{flow['window_days']}-day flow, {settings.bank.base_currency}")
axes.legend()
figure.tight_layout()

# %% [markdown]
# ## How rare
# `models.abnormal_flow.surprises` turns this into a return period: once in how many years is a flow this large expected, from what the
# customer does and, where there is little of that, from what similar customers do. It is a pure function, so it can be called here on
# the tables of the day before. `features.baselines.rebuilt` counts the baseline anew from every daily flow.

# %%
import pyarrow as pa
import pyspark.sql.functions as F

from features.as_of import version_as_of
from features.bands import age_on, band
from features.baselines import rebuilt
from jobs.context import Job
from jobs.session import start
from models.abnormal_flow import exposures, own_baselines, surprises

spark = start(settings, where.log.with_name("notebook.log"))
day = flow["detected_on"]
lake = Job(settings, where, spark, day, "notebook").lake
looks = sorted(set(rows("flow_baselines", ("as_of", "<", day))["as_of"]))
baseline_day = looks[-1] if looks else flow["business_date"] - timedelta(days=int(flow["window_days"]))
baseline = rebuilt(lake.read("daily_flows"), baseline_day, settings.flows.windows_days, settings.flows.baseline_days,
                   settings.flows.bin_ratio, recorded_by=looks[-1] if looks else day)

data_start = lake.read("transactions").agg(F.min("business_date")).first()[0]
accounts = version_as_of(lake.read("accounts"), "account_id", day)
exposure = version_as_of(lake.read("customers"), "customer_id", day).select(
    "customer_id",
    band(age_on(F.col("birth_date"), day), settings.segments.bands.age).alias("age_band"),
    band(F.col("annual_income"), settings.segments.bands.income).alias("income_band"),
).join(exposures(accounts, data_start, baseline_day, settings.flows.baseline_days), "customer_id")
judged = spark.createDataFrame(pa.table({
    "customer_id": [flow["customer_id"]], "direction": [direction], "window_days": pa.array([flow["window_days"]], pa.int32()),
    "amount": [flow["amount"]], "business_date": [flow["business_date"]],
}))
own = own_baselines(baseline, settings.flows)
again = surprises(judged, baseline, own, exposure, settings.flows).toPandas().iloc[0]
print(f"once in {again['return_period_years']:,.1f} years; the table says {flow['return_period_years']:,.1f}")
print(f"own flows behind it: {again['observations']}; weight of the peers ({again['peer_group']}): {again['peer_weight']:.0%}")
spark.stop()
if looks:  # a first run judges history by a baseline it does not keep
    assert math.isclose(again["return_period_years"], flow["return_period_years"], rel_tol=0.02)

# %% [markdown]
# ## What to do about it
# The alert carries what may be offered, best first: chosen by expected value among the offers no rule stands against.

# %%
print(f"priority {alert['priority']} of 100, severity {alert['severity']}, {alert['status']}, with {alert['relationship_manager_id']}")
pd.DataFrame(list(alert["offers"]) if alert["offers"] is not None else [])

# %% [markdown]
# ## All of it in one command
# `kehu explain ALERT_ID` prints the same for any alert, and says where what it computes differs from what is stored.

# %%
from jobs.explain import explained

print(explained(settings, where, alert["alert_id"]))
