"""Training one offer on a world with known chances; reasons that add up; a registry that knows its artifacts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import combinations
from math import factorial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from conf import ExitCode, KehuError, Settings
from jobs.train import one_thread_each
from models.calibration import calibrated, log_odds, slope_and_intercept, uncalibrated, with_model
from models.candidates import blended_model, boosted_model, fitted_again, logistic_models, parts_of
from models.evaluation import auc
from models.inputs import NEVER_INPUTS, Inputs, typical_customer
from models.model_card import model_card
from models.next_best_offer import Trained, family_of, fingerprint, rate_offer, trained_offer
from models.reasons import contributions, reasons_in_words
from models.registry import Registry, loaded
from models.scoring import Scorer, probabilities, ready
from tests.offer_world import DAYS, INPUTS, world

OFFER = "fx_account"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As in training: on small data threads only wait for one another."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def learned() -> tuple:
    return world(2000)


@pytest.fixture(scope="module")
def trained(settings: Settings, learned: tuple) -> Trained:
    return trained_offer(OFFER, settings.offers[OFFER], learned[0], INPUTS, 0.05, settings.models)


def test_most_of_the_gap_to_the_truth_is_closed(trained: Trained, learned: tuple) -> None:
    rows, chance = learned
    test = rows.as_of == DAYS[0]
    bayes = auc(rows.taken[test], chance[test])
    assert trained.kind in ("logistic", "blended")
    assert (trained.figures["auc"] - 0.5) / (bayes - 0.5) > 0.93
    assert trained.figures["skill"] > 0
    assert trained.passed, trained.failures
    assert trained.windows["test"]["days"] == [str(DAYS[0])]
    assert max(trained.windows["training"]["days"]) == str(DAYS[2])


def test_age_and_gender_are_never_inputs(trained: Trained) -> None:
    assert not set(trained.features) & NEVER_INPUTS


def test_too_few_takers_and_short_histories_keep_the_rate(settings: Settings, learned: tuple) -> None:
    rows, offer = learned[0], settings.offers[OFFER]
    few = replace(rows, taken=np.where(np.arange(len(rows.taken)) % 1000 == 0, rows.taken, 0))
    kept = trained_offer(OFFER, offer, few, INPUTS, 0.05, settings.models)
    assert kept.kind == "rate"
    assert "takers in the training windows, 30 asked" in kept.why
    assert kept.model.predict_proba([[0.0]])[0, 1] == pytest.approx(0.05)
    short = trained_offer(OFFER, offer, rows.on(DAYS[:1]), INPUTS, 0.05, settings.models)
    assert "history is too short" in short.why


def test_noise_is_not_learned(settings: Settings, learned: tuple) -> None:
    rows = learned[0]
    shuffled = replace(rows, taken=np.random.default_rng(1).permutation(rows.taken))
    kept = trained_offer(OFFER, settings.offers[OFFER], shuffled, INPUTS, 0.05, settings.models)
    assert kept.kind == "rate" or not kept.passed


def test_an_offer_with_few_takers_borrows_from_its_family(settings: Settings) -> None:
    sibling, (child, chance) = world(1500, seed=11)[0], world(1500, seed=13, base=-7)
    family = family_of([sibling, child], 67, INPUTS, 1)
    assert family is not None
    assert family_of([sibling], 67, INPUTS, 1) is None, "one offer is no family"
    assert child.on(DAYS[2:]).takers == 30
    borrowed = trained_offer(OFFER, settings.offers[OFFER], child, INPUTS, 0.01, settings.models, family)
    assert borrowed.why.startswith("family ")
    assert family.newer is not None
    alone = trained_offer(OFFER, settings.offers[OFFER], child, INPUTS, 0.01, settings.models)
    newest = child.as_of == DAYS[0]
    asked, truth = child.inputs[newest].reset_index(drop=True), log_odds(chance[newest])
    said, alone_said = (probabilities(trained.model, asked[list(trained.features)]) for trained in (borrowed, alone))
    assert np.corrcoef(truth, log_odds(said))[0, 1] > max(0.9, np.corrcoef(truth, log_odds(alone_said))[0, 1])
    asked = asked[list(borrowed.features)]
    contributions(borrowed.model, asked, borrowed.model.typical_customer_, said)  # they add up here, too


def test_a_leak_stops_training_and_is_named(settings: Settings, learned: tuple) -> None:
    rows = learned[0]
    leaking = replace(rows, inputs=rows.inputs.assign(noise=rows.taken + 0.0))
    kept = trained_offer(OFFER, settings.offers[OFFER], leaking, INPUTS, 0.05, settings.models)
    assert kept.kind == "rate"
    assert "feature noise alone has an AUC of 1.000" in kept.failures[0]


def test_equal_rows_and_settings_have_equal_fingerprints(settings: Settings, learned: tuple) -> None:
    rows, offer = learned[0], settings.offers[OFFER]
    first = fingerprint(rows, offer, 0.05, settings.models)
    assert first == fingerprint(world(2000)[0], offer, 0.05, settings.models)
    assert first != fingerprint(world(2000, seed=2)[0], offer, 0.05, settings.models)
    assert first != fingerprint(rows, offer, 0.06, settings.models)
    assert first != fingerprint(rows, offer, 0.05, settings.models.model_copy(update={"seed": 1}))


@pytest.fixture(scope="module")
def boosted(learned: tuple) -> Trained:
    """Boosted trees alone, which no offer keeps: where reasons are hardest."""
    training, validation = learned[0].on(DAYS[2:]), learned[0].on(DAYS[1:2])
    model = calibrated(boosted_model(training.inputs, training.taken, INPUTS, 1), validation.inputs, validation.taken)
    model.typical_customer_ = typical_customer(training.inputs, INPUTS)
    return replace(rate_offer(OFFER, 0.05, "test"), model=model, features=INPUTS.names)


@pytest.fixture(scope="module")
def blended(boosted: Trained, learned: tuple) -> Trained:
    """The blended candidate, whether or not it is the one that is kept."""
    training, validation = learned[0].on(DAYS[2:]), learned[0].on(DAYS[1:2])
    logistic = logistic_models(training.inputs, training.taken, INPUTS)["logistic C=0.1"]
    both = blended_model(logistic, uncalibrated(boosted.model), training.inputs, training.taken)
    model = calibrated(both, validation.inputs, validation.taken)
    model.typical_customer_ = boosted.model.typical_customer_
    return replace(boosted, kind="blended", model=model)


def test_trees_are_held_to_the_sign_a_bank_knows(learned: tuple) -> None:
    """Noise that by chance speaks against an offer here and there never does where it may only speak for it."""
    training = learned[0].on(DAYS[2:])
    grid = pd.concat([training.inputs.iloc[:50]] * 40, ignore_index=True)
    grid["noise"] = np.repeat(np.linspace(-3, 3, 40), 50)

    def steps(**signs: str) -> np.ndarray:
        model = boosted_model(training.inputs, training.taken, INPUTS, 1, signs)
        return np.diff(model.decision_function(grid).reshape(40, 50), axis=0)

    assert (steps() < -1e-9).any()
    assert (steps(noise="rises") >= -1e-9).all()
    assert (steps(noise="falls") <= 1e-9).all()


@pytest.mark.parametrize(("takers", "trees"), [(30, 150), (1000, 200), (9000, 500)])
def test_trees_grow_with_takers_and_not_beyond(takers: int, trees: int) -> None:
    inputs, rows = Inputs(("number",), ()), pd.DataFrame({"number": np.arange(10_000) % 7.0})
    taken = (np.arange(10_000) < takers).astype(int)
    assert boosted_model(rows, taken, inputs, 1)[-1].n_iter_ == trees
    assert boosted_model(rows, taken, inputs, 1, most=150)[-1].n_iter_ == 150


def test_no_thread_warns_when_another_one_ends(boosted: Trained, learned: tuple) -> None:
    """A thread that ends brings back the filters it found: what they all hide must be hidden around them all."""
    rows, inside = learned[0].on(DAYS[1:2]), uncalibrated(boosted.model)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with one_thread_each() as pool:
            list(pool.map(lambda _: calibrated(inside, rows.inputs, rows.taken), range(4)))
            pool.submit(warnings.warn, "Since FrozenEstimator does not appear to accept sample_weight, …").result()
    assert told == []


def test_a_blend_is_a_mean_of_both_log_odds_at_the_rate_of_its_rows(blended: Trained, learned: tuple) -> None:
    training, rows = learned[0].on(DAYS[2:]), learned[0].on(DAYS[:1]).inputs
    inside = uncalibrated(blended.model)
    (_, logistic), (_, trees) = parts_of(inside)
    expected = 0.4 * logistic.decision_function(rows) + 0.6 * trees.decision_function(rows)
    assert np.ptp(inside.decision_function(rows) - expected) < 1e-9
    assert inside.predict_proba(training.inputs)[:, 1].mean() == pytest.approx(training.taken.mean())


@pytest.mark.parametrize("which", ["trained", "blended"])
def test_what_is_kept_is_fitted_again_and_keeps_its_calibration(which: str, learned: tuple, request: pytest.FixtureRequest) -> None:
    model, rows = request.getfixturevalue(which).model, learned[0].on(DAYS[1:])
    inside, names = uncalibrated(model), list(request.getfixturevalue(which).features)
    again = fitted_again(inside, rows.inputs[names], rows.taken, INPUTS.only(names), None, 1)
    of_kind = [[(type(part[-1]), getattr(part[-1], "C", None)) for _, part in parts_of(each)] for each in (again, inside)]
    assert of_kind[0] == of_kind[1]
    validation = learned[0].on(DAYS[1:2]).inputs[names]
    both = with_model(model, again, validation, model.predict_proba(validation)[:, 1].mean())
    slope, intercept = slope_and_intercept(both)
    assert slope == slope_and_intercept(model)[0]
    said = both.predict_proba(validation)[:, 1]
    np.testing.assert_allclose(log_odds(said), slope * again.decision_function(validation) + intercept, atol=1e-6)
    assert said.mean() == pytest.approx(model.predict_proba(validation)[:, 1].mean(), rel=1e-6)
    assert uncalibrated(model) is inside


@pytest.mark.parametrize("which", ["trained", "boosted", "blended"])
def test_reasons_add_up_to_the_score(which: str, learned: tuple, request: pytest.FixtureRequest) -> None:
    model, features = request.getfixturevalue(which).model, list(request.getfixturevalue(which).features)
    rows = learned[0].on(DAYS[:1]).inputs[features].iloc[:300]
    typical = model.typical_customer_
    moved = contributions(model, rows, typical, probabilities(model, rows))  # raises where they do not add up
    start = log_odds(probabilities(model, rows.iloc[:1].assign(**typical)))[0]
    assert np.abs(start + moved.sum(axis=1) - log_odds(probabilities(model, rows))).max() < 1e-6
    as_typical = rows.assign(visits=typical["visits"])
    still = contributions(model, as_typical, typical, probabilities(model, as_typical))
    assert np.abs(still["visits"]).max() < 1e-12, "what is as usual moves nothing"
    with pytest.raises(KehuError, match="do not add up"):
        contributions(model, rows, typical, np.full(len(rows), 0.5))


def test_contributions_of_trees_are_shapley_values(boosted: Trained, learned: tuple) -> None:
    """Against all coalitions, counted one by one."""
    model, typical = boosted.model, boosted.model.typical_customer_
    rows = learned[0].on(DAYS[:1]).inputs.iloc[:2]
    names, n = list(rows.columns), rows.shape[1]
    values = {}
    for size in range(n + 1):
        for coalition in combinations(names, size):
            mixed = rows.assign(**{name: typical[name] for name in names if name not in coalition})
            values[coalition] = log_odds(model.predict_proba(mixed)[:, 1])
    moved = contributions(model, rows, typical, probabilities(model, rows))
    for name in names:
        others = [other for other in names if other != name]
        shapley = sum(
            factorial(size) * factorial(n - size - 1) / factorial(n)
            * (values[tuple(sorted((*coalition, name), key=names.index))] - values[coalition])
            for size in range(n)
            for coalition in combinations(others, size)
        )  # fmt: skip
        np.testing.assert_allclose(moved[name], shapley, atol=1e-9)


def test_reasons_are_the_strongest_groups_in_words() -> None:
    rows = pd.DataFrame({"balance": [9.0, 1.0], "is_new": [1.0, 0.0], "channel": ["counter", "mobile"], "moved": [np.nan, 0.0]})
    moved = pd.DataFrame({"balance": [0.8, -0.2], "is_new": [0.3, 0.01], "channel": [-0.5, 0.0], "moved": [0.1, 0.0]})
    typical = {"balance": 3.0, "is_new": 0.0, "channel": "mobile", "moved": 0.0}
    phrases = {"balance": "balances", "is_new": "a new customer", "channel": "favourite channel"}
    told = reasons_in_words(moved, rows, typical, phrases, "en", flags=("is_new",))
    assert told == [
        [
            "for: balances above typical",
            "against: favourite channel: counter",
            "for: a new customer: yes",
        ],
        ["against: balances below typical"],
    ]
    assert reasons_in_words(moved, rows, typical, {"balance": "余额"}, "zh", most=1)[0] == ["有利：余额高于一般客户"]


def test_calibration_mends_what_resampling_spoils(boosted: Trained, learned: tuple) -> None:
    validation, test = learned[0].on(DAYS[1:2]), learned[0].on(DAYS[:1])
    inside = uncalibrated(boosted.model)
    slope, intercept = slope_and_intercept(boosted.model)
    own = log_odds(inside.predict_proba(test.inputs)[:, 1])
    np.testing.assert_allclose(log_odds(boosted.model.predict_proba(test.inputs)[:, 1]), slope * own + intercept, atol=1e-6)
    assert 0.8 < slope < 1.25
    doubled = np.concatenate([np.flatnonzero(validation.taken)] * 9 + [np.arange(len(validation.taken))])
    told = calibrated(inside, validation.inputs.iloc[doubled].reset_index(drop=True), validation.taken[doubled])
    assert told.predict_proba(test.inputs)[:, 1].sum() > 3 * test.taken.sum(), "ten times the takers: ten times the odds"


def test_a_registered_model_comes_back_as_it_was(
    settings: Settings, trained: Trained, blended: Trained, learned: tuple, tmp_path: Path
) -> None:
    registry, offer, day = Registry(settings.models, tmp_path / "_models"), settings.offers[OFFER], date(2026, 9, 6)
    rows = learned[0].on(DAYS[:1]).inputs
    made = {}
    for model in (trained, blended, rate_offer(OFFER, 0.0123, "few takers")):
        made[model.kind] = kept = registry.register(model, offer, day, {"code_version": "1"}, settings.models)
        back = loaded(registry.verified(kept))
        asked = rows[list(model.features)] if model.features else rows
        np.testing.assert_array_equal(back.predict_proba(asked), model.model.predict_proba(asked))
        scorer = Scorer(OFFER, kept.model_version, registry.verified(kept), model.features)
        assert ready(scorer, rows.columns) is scorer
    assert sorted(kept.version for kept in made.values()) == [1, 2, 3]

    registry.point(OFFER, {"champion": 2, "previous": 1})
    registry.point(OFFER, {"champion": 1, "challenger": 3})
    told = registry.client.get_registered_model(f"kehu_{OFFER}").aliases
    assert {alias: int(version) for alias, version in told.items()} == {"champion": 1, "challenger": 3}

    with pytest.raises(KehuError, match=r"MODEL_FEATURES.*needs feature visits") as refused:
        ready(Scorer(OFFER, "x/1", registry.verified(made["blended"]), INPUTS.names), ["balance", "moved"])
    assert refused.value.code == ExitCode.REJECTED
    artifact = tmp_path / "_models" / made["blended"].artifact
    bytes_before = artifact.read_bytes()
    artifact.write_bytes(bytes_before[:-1] + bytes([bytes_before[-1] ^ 1]))
    with pytest.raises(KehuError, match="MODEL_TAMPERED") as refused:
        registry.verified(made["blended"])
    assert refused.value.code == ExitCode.REJECTED
    artifact.unlink()
    with pytest.raises(KehuError, match="MODEL_MISSING") as refused:
        registry.verified(made["blended"])
    assert refused.value.code == ExitCode.REJECTED


def test_only_our_own_types_are_ever_loaded() -> None:
    import zlib

    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    hostile = skops.io.dumps(FunctionTransformer(func=world))
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException):
        loaded(zlib.compress(hostile))


def test_the_card_tells_what_a_reviewer_asks(settings: Settings, trained: Trained) -> None:
    card = model_card(trained, settings.offers[OFFER], date(2026, 9, 6), {"code_version": "1.2", "fingerprint": "f00"})
    for said in ("It is organic uptake", "Never an input: age", "Calibration by tenth", "Fairness by gender", "fingerprint: f00",
                 "passed: popularity", f"Kind: {'spline' if trained.kind == 'logistic' else 'regularised'}"):  # fmt: skip
        assert said in card
    plain = model_card(rate_offer(OFFER, 0.01, "3 takers"), settings.offers[OFFER], date(2026, 9, 6), {})
    assert "3 takers" in plain
    assert "one smoothed rate" in plain
    asked = model_card(rate_offer("hospital_clinic", 0.01, "3 takers"), settings.offers["hospital_clinic"], date(2026, 9, 6), {})
    assert "says yes to a relationship manager, of those who are asked, within 60 days" in asked
    assert "It is not organic uptake" in asked


def test_typical_customers_are_medians_and_the_most_frequent() -> None:
    rows = pd.DataFrame({"a": [1.0, 3.0, np.nan, 50.0], "b": ["x", "y", "y", "x"], "c": [np.nan] * 4})
    assert typical_customer(rows, Inputs(("a",), ("b",))) == {"a": 3.0, "b": "x"}
    assert np.isnan(typical_customer(rows, Inputs(("c",)))["c"])
