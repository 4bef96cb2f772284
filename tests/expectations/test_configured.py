"""What a bank may configure of a feed."""

from __future__ import annotations

import pytest

from conf import ExitCode, KehuError
from conf.feed import Feed
from expectations import CONTRACTS, Repeats
from expectations.configured import CORRECTABLE, contract_of, require_fitting


@pytest.mark.parametrize(("feeds", "told"), [
    ({"transaction": Feed()}, "feeds/transaction.yaml: no such feed; there are customers, accounts"),
    ({"outcomes": Feed(corrections=True)}, "feeds/outcomes.yaml: corrections: only transactions and purchases"),
])
def test_what_does_not_fit_is_refused_with_file_and_key(feeds: dict[str, Feed], told: str) -> None:
    with pytest.raises(KehuError, match=told) as refused:
        require_fitting(feeds)
    assert refused.value.code is ExitCode.CONFIGURATION


def test_a_corrected_feed_has_a_version_and_no_other_has() -> None:
    require_fitting({name: Feed() for name in CONTRACTS} | {name: Feed(corrections=True) for name in CORRECTABLE})
    for name in CORRECTABLE:
        plain, corrected = contract_of(name, Feed()), contract_of(name, Feed(corrections=True))
        assert corrected.names == (*plain.names, "version")
        assert (plain.repeats, corrected.repeats) == (Repeats.EVENT, Repeats.CORRECTION)
