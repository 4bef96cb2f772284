"""What names nothing, cannot be or contradicts itself is refused before anything starts, and not found missing on a morning."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from conf import load_settings
from conf.codes import ALERT_TYPES, CHANNELS, FLOW_KINDS, PRODUCTS, RESTRICTION_KINDS, AlertType
from conf.model import Model, Pattern
from expectations.configured import misfits
from tests.conf.refused import refused
from worklists.worklist import TYPES

ROOT = Path(__file__).parents[2]
CONFIGURATIONS = [None, *sorted({file.parent for file in (ROOT / "simulation" / "conf").glob("*/kehu.yaml")})]


@pytest.mark.parametrize(("text", "line", "key", "told"), [
    ("segments:\n  purchase_groups: {food: 'a('}", 2, "segments.purchase_groups.food", "not a regular expression: missing )"),
    ("segments:\n  occupation_groups:\n    clerk: '*'", 3, "segments.occupation_groups.clerk", "not a regular expression: nothing"),
    ("segments:\n  preferences:\n    funds: '[a'", 3, "segments.preferences.funds", "not a regular expression: unterminated"),
    ("life_events:\n  new_parent:\n    excluded: 'a)'", 3, "life_events.new_parent.excluded", "not a regular expression: unbalanced"),
    ("life_events:\n  job_change:\n    evidence: {new_payer: {types: [wage]}}", 3, "life_events.job_change.evidence.new_payer.types.0",
     "Input should be 'cash'"),
    ("flows:\n  causes:\n    car: {pattern: 'x{'}", 3, "flows.causes.car.pattern", "not a regular expression that Java and Python"),
    ("profitability:\n  cost_by_channel: {countr: 12}", 2, "profitability.cost_by_channel.countr", "Input should be 'counter', 'atm'"),
    ("profitability:\n  cost_by_channel: {counter: -12}", 2, "profitability.cost_by_channel.counter", "greater than or equal to 0"),
    ("profitability:\n  margin_by_product: {curent: 0.1}", 2, "profitability.margin_by_product.curent", "Input should be 'current'"),
    ("profitability:\n  margin_by_product: {current: 1.8}", 2, "profitability.margin_by_product.current", "less than or equal to 1"),
    ("profitability:\n  cost_of_account: -1", 2, "profitability.cost_of_account", "greater than or equal to 0"),
    ("contact_policy:\n  priority:\n    urgency: {life_evnt: 0.7}", 3, "contact_policy.priority.urgency.life_evnt", "should be 'acc"),
    ("contact_policy:\n  priority:\n    urgency: {life_event: 7}", 3, "contact_policy.priority.urgency.life_event", "equal to 1"),
    ("contact_policy:\n  expires_after_days: {life_event: -7}", 2, "contact_policy.expires_after_days.life_event", "greater than 0"),
    ("contact_policy:\n  expires_after_days: {life_event: 0}", 2, "contact_policy.expires_after_days.life_event", "greater than 0"),
    ("contact_policy:\n  expires_after_days: {closure: 7}", 2, "contact_policy.expires_after_days.closure", "should be 'account_clos"),
    ("contact_policy:\n  tipping_off: [aml]", 2, "contact_policy.tipping_off.0", "Input should be 'aml_case', 'fraud_case'"),
    ("contact_policy:\n  quiet_days_after: {complain: 3}", 2, "contact_policy.quiet_days_after.complain", "Input should be 'aml_case'"),
    ("contact_policy:\n  quiet_days_after: {complaint: -3}", 2, "contact_policy.quiet_days_after.complaint", "equal to 0"),
    ("segments:\n  bands:\n    age: [60, 30]", 3, "segments.bands.age", "cut points must ascend"),
    ("segments:\n  bands:\n    income: [1, 1]", 3, "segments.bands.income", "cut points must ascend"),
    ("segments:\n  bands:\n    age: []", 3, "segments.bands.age", "at least 1 item"),
    ("paths:\n  catalog: Bank-1", 2, "paths.catalog", "should match pattern"),
    ("segments:\n  quantiles:\n    value: [0.5, 1]", 3, "segments.quantiles.value.1", "less than 1"),
    ("segments:\n  quantiles:\n    tier: [0.9, 0.5]", 3, "segments.quantiles.tier", "cut points must ascend"),
    ("contact_policy:\n  tiers:\n    gold: {}", 3, "contact_policy.tiers.gold", "'mass', 'affluent' or 'private'"),
    ("segments:\n  bands:\n    tier: [1, 2, 3]", 3, "segments.bands.tier", "at most 2 items"),
    ("flows:\n  windows_days: []", 2, "flows.windows_days", "at least 1 item"),
    ("flows:\n  windows_days: [3, 7, 3]", 2, "flows.windows_days", "named twice"),
    ("flows:\n  closure_products: [curent]", 2, "flows.closure_products.0", "Input should be 'current'"),
    ("flows:\n  holidays: ['1 January']", 2, "flows.holidays.0", "'1 January' is no date: write it as MM-DD or YYYY-MM-DD"),
    ("flows:\n  holidays: [01-01, 2026-02-30]", 2, "flows.holidays.1", "'2026-02-30' is no date"),
    ("flows:\n  holidays: ['20260101']", 2, "flows.holidays.0", "'20260101' is no date"),
    ("offers:\n  mortgage:\n    raised_by: {new_parnt: 0.5}", 3, "offers.mortgage.raised_by.new_parnt", "no life event, kind of flow or"),
    ("offers:\n  mortgage: {new_until: soon}", 2, "offers.mortgage.new_until", "valid date"),
    ("offers:\n  mortgage: {control_share: 0.6}", 2, "offers.mortgage.control_share", "less than or equal to 0.5"),
    ("contact_policy: {control_months: 5}", 1, "contact_policy.control_months", "Input should be 1, 2, 3, 4, 6 or 12"),
    ("offers:\n  mortgage:\n    uptake: {products: []}", 3, "offers.mortgage.uptake", "name products, transactions or outcome"),
    ("offers:\n  fresh_produce:\n    uptake: {transactions: {pattern: '('}}", 3, "offers.fresh_produce.uptake.transactions.pattern",
     "not a regular expression"),
    ("feeds:\n  accounts: {time_zone: Mars}", 2, "feeds.accounts.time_zone", "unknown time zone 'Mars'"),
    ("feeds:\n  accounts: {max_empty_share: {branch_id: 2}}", 2, "feeds.accounts.max_empty_share.branch_id", "less than or equal to 1"),
    ("feeds:\n  accounts:\n    names: {acount_id: Konto}", 3, "feeds.accounts.names.acount_id", "no such column in this feed"),
    ("feeds:\n  transactions:\n    values:\n      closed_on: {x: ''}", 4, "feeds.transactions.values.closed_on", "no such column"),
    ("feeds:\n  transactions:\n    values:\n      direction:\n        S: debet", 5, "feeds.transactions.values.direction.S",
     "'debet' is none of credit, debit"),
    ("feeds:\n  holdings: {max_empty_share: {worth: 0.9}}", 2, "feeds.holdings.max_empty_share.worth", "no such column"),
    ("feeds:\n  transactions: {names: {version: Stand}}", 2, "feeds.transactions.names.version", "no such column"),
    ("feeds:\n  outcomes: {corrections: true}", 2, "feeds.outcomes.corrections", "only transactions and purchases are corrected"),
    ("feeds:\n  transaction: {}", 2, "feeds.transaction", "no such feed; there are customers, accounts"),
])
def test_it_is_refused_with_its_line_and_key(tmp_path, text, line, key, told):
    found = refused(tmp_path, text, "kehu.yaml", misfits)
    assert found.startswith(f"{line}: {key}: ")
    assert told in found


def test_what_an_offer_or_event_cannot_say_in_the_banks_language_is_refused(tmp_path):
    (tmp_path / "kehu.yaml").write_text("bank: {language: zh}\n")
    yacht = (ROOT / "conf" / "offers" / "mortgage.yaml").read_text("utf-8").replace("zh: 个人住房贷款", "en: Yacht")
    assert refused(tmp_path, "name: {en: Yacht}\n" + yacht.split("\n", 2)[2], "offers/yacht.yaml").startswith(
        "1: offers.yacht.name: not said in the bank's language: zh is missing")
    (tmp_path / "offers" / "yacht.yaml").unlink()
    moving = (ROOT / "conf" / "life_events" / "relocation.yaml").read_text("utf-8").replace(", zh: 搬迁", "")
    assert refused(tmp_path, moving, "life_events/moving.yaml").startswith("3: life_events.moving.name: not said in the bank's")


BUNDLE = """name: {en: All, zh: 全}
family: bundle
reason: {en: At once., zh: 一次。}
contact_cost: 30
bundle: {discount: 0.25, together: 0.5, offers: [
  mortgage,
  home_insurance]}
"""


@pytest.mark.parametrize(("was", "now", "told"), [
    ("mortgage,", "morgage,", "6: offers.all.bundle.offers.0: no offer is called 'morgage'"),
    ("mortgage,", "home_bundle,", "6: offers.all.bundle.offers.0: 'home_bundle' is a bundle itself"),
    ("home_insurance]", "all]", "7: offers.all.bundle.offers.1: 'all' is a bundle itself"),
    ("home_insurance]", "postpartum_centre]", "7: offers.all.bundle.offers.1: 'postpartum_centre' is discreet, so the bundle has to be"),
    ("home_insurance]", "]", "5: offers.all.bundle.offers: Tuple should have at least 2 items"),
    ("home_insurance]", "mortgage]", "5: offers.all.bundle.offers: Value error, named twice"),
    ("contact_cost: 30", "contact_cost: 30\nmargin: 9", "5: offers.all.margin: follows from the offers of the bundle"),
    ("family: bundle", "family: loan", "2: offers.all.family: 'bundle' is the family of bundles, and of nothing else"),
    ("0.25", "1", "5: offers.all.bundle.discount: Input should be less than 1"),
])
def test_a_bundle_is_made_of_two_or_more_offers_of_the_shelf(tmp_path, was, now, told):
    assert refused(tmp_path, BUNDLE.replace(was, now), "offers/all.yaml").startswith(told)


def test_a_bundle_is_priced_from_its_offers(tmp_path):
    (tmp_path / "offers").mkdir()
    (tmp_path / "offers" / "all.yaml").write_text(BUNDLE, "utf-8")
    (tmp_path / "kehu.yaml").write_text("offers: {mortgage: {margin: 1000, prior: 0.2}, home_insurance: {margin: 200, prior: 0.1}}")
    of = load_settings(tmp_path).offers["all"]
    assert (of.margin, of.prior, of.uptake.window_days) == (900, 0.05, 60)


def test_an_offer_that_is_no_bundle_says_what_it_is_worth_and_when_it_is_taken(tmp_path):
    gold = (ROOT / "conf" / "offers" / "gold_savings.yaml").read_text("utf-8")
    for key in ("margin", "prior", "uptake"):
        without = "\n".join(line for line in gold.splitlines() if not line.startswith(key))
        assert refused(tmp_path, without, "offers/gold_savings.yaml") == f"1: offers.gold_savings.{key}: Field required"


@pytest.mark.parametrize("directory", CONFIGURATIONS, ids=lambda directory: directory.name if directory else "packaged")
def test_what_is_shipped_is_accepted(directory):
    load_settings(directory, misfits)


def test_what_a_bank_may_add_it_can_name(tmp_path):
    (tmp_path / "life_events").mkdir()
    moving = (ROOT / "conf" / "life_events" / "relocation.yaml").read_text("utf-8")
    (tmp_path / "life_events" / "moving.yaml").write_text(moving, "utf-8")
    (tmp_path / "kehu.yaml").write_text("""
flows:
  causes: {boat: {direction: debit, pattern: "(?i)yacht|\\\\p{IsHan}+船"}}
  holidays: [02-29, 2026-12-24]
segments: {preferences: {boats: boat}, bands: {tier: []}}
offers: {mortgage: {raised_by: {moving: 1, boat: 1, woken: 1}}}
wording: {en: {worklist: {topic_moving: A new home, preference_boats: Boats}, reasons: {cause_boat: a boat}}}
feeds: {accounts: {time_zone: ""}}
""", "utf-8")
    mine = load_settings(tmp_path, misfits)
    assert list(mine.offers["mortgage"].raised_by)[-3:] == ["moving", "boat", "woken"]
    assert mine.flows.holidays == ("02-29", "2026-12-24"), "also without quotes, which YAML would read as a date"
    assert mine.feeds["accounts"].time_zone is None


@pytest.mark.parametrize("pattern", [
    "(?P<n>x)", "(?#note)", "(a)?(?(1)b)", "(?a)x", "x{", "a{,3}", "[a[b]", "[a&&b]", r"\U0001F600", r"[\1]", r"[\b]", r"\p{Greek}", r"\0",
    "a{99999999999}", r"\q", "(?<n>a)",
])
def test_what_only_one_of_java_and_python_reads_is_no_pattern(pattern):
    with pytest.raises(ValueError, match="not a regular expression"):
        Matching(pattern=pattern)


ALIKE = (
    r"(?i)a|b\.?", "(?!)", "^[]a-c]{2,}+$", r"[\w&.-]", r"\p{IsHan}[\p{Lu}\P{Nd}\x41]", "(?<=a)(?:b)(?>c)(?i:d)", "a||b", "[a||b]", "",
    r"(?i)café|\u4e2d\b.*?x++", r"(a)\1\07",
)


@pytest.mark.filterwarnings("error")
def test_what_both_read_is_a_pattern():
    for pattern in ALIKE:
        assert Matching(pattern=pattern).pattern == pattern


class Matching(Model):
    pattern: Pattern


def test_codes_are_declared_once():
    assert sorted(TYPES) == sorted(ALERT_TYPES) == sorted(get_args(AlertType)), "pages name every type, in their own order"
    for codes in (CHANNELS, PRODUCTS, RESTRICTION_KINDS, ALERT_TYPES, FLOW_KINDS):
        assert len(set(codes)) == len(codes)
