"""Great Expectations as the judge of a drop: suites, one checkpoint a feed, and data docs for the operator."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from expectations.suite import Expected, Measures, Severity

SITE = "data_docs"
KEPT_DAYS = 60  # of validation results, a feed
LOADED = threading.Lock()


@dataclass(frozen=True)
class Unmet:
    """An expectation a drop did not meet."""

    feed: str
    expected: Expected
    value: float

    def __str__(self) -> str:
        side = f"below {self.expected.low:g}" if self.expected.low is not None and self.value < self.expected.low else (
            f"above {self.expected.high:g}")
        return f"{self.expected.measure} {self.value:.4g} is {side}"


def load_soon() -> None:
    """Begin to import Great Expectations, which takes seconds, while Spark is at work."""
    threading.Thread(target=_gx, daemon=True).start()


class Judge:
    """Judges the drops of one run; `published` writes what was found where an operator looks.

    Parameters
    ----------
    place : path
        Of the data docs: `index.html` there is the way in.
    day : date
        Of the run: its name in the docs.
    """

    def __init__(self, place: Path, day: date) -> None:
        self.place, self.day = place, day
        self._context: Any = None
        self._results: list[Any] = []

    def unmet(self, feed: str, suite: tuple[Expected, ...], measures: Measures) -> list[Unmet]:
        """Which expectations a drop does not meet. A measure that could not be taken is not judged.

        Parameters
        ----------
        feed : str
        suite : tuple of Expected
        measures : dict of measure -> value
        """
        judged = [one for one in suite if one.measure in measures]
        if not judged:
            return []
        with _quiet():
            result = self._validated(feed, judged, measures)
        by_place = {(each.expectation_config.meta["at"]): each.success for each in result.results}
        return [Unmet(feed, one, measures[one.measure]) for at, one in enumerate(judged) if not by_place[at]]

    def publish(self) -> None:
        """Write the data docs of what was judged and renew the index."""
        if not self._results:
            return
        with _quiet():
            self._context.build_data_docs(site_names=[SITE], resource_identifiers=self._results)
        _forget_old(self.place)

    def _validated(self, feed: str, judged: list[Expected], measures: Measures) -> Any:
        import pandas as pd

        gx = _gx()
        context = self._opened()
        expectations = [
            gx.expectations.ExpectColumnValuesToBeBetween(
                column=one.measure, min_value=one.low, max_value=one.high, severity=one.severity.value,
                notes=f"{one.severity.value}: {one.why}", meta={"at": at})
            for at, one in enumerate(judged)
        ]
        suite = context.suites.add_or_update(gx.ExpectationSuite(name=feed, expectations=expectations))
        source = context.data_sources.add_or_update_pandas("ingest")
        drop = source.add_dataframe_asset(feed).add_batch_definition_whole_dataframe("drop")
        validation = context.validation_definitions.add_or_update(gx.ValidationDefinition(name=feed, data=drop, suite=suite))
        checkpoint = context.checkpoints.add_or_update(gx.Checkpoint(name=feed, validation_definitions=[validation]))
        at = datetime(self.day.year, self.day.month, self.day.day)
        run = checkpoint.run(
            batch_parameters={"dataframe": pd.DataFrame([measures])}, run_id=gx.RunIdentifier(run_name=self.day.isoformat(), run_time=at))
        (identifier, result), = run.run_results.items()
        self._results.append(identifier)
        return result

    def _opened(self) -> Any:
        if self._context is None:
            self.place.mkdir(parents=True, exist_ok=True)
            context = _gx().get_context(mode="file", project_root_dir=str(self.place))
            context.variables.progress_bars = {"globally": False, "metric_calculations": False}
            if SITE not in context.variables.data_docs_sites:
                for site in list(context.variables.data_docs_sites):
                    context.delete_data_docs_site(site)
                store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(self.place)}
                context.add_data_docs_site(SITE, {
                    "class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": store,
                    "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"}})
            self._context = context
        return self._context


def critical(unmet: list[Unmet]) -> list[Unmet]:
    return [one for one in unmet if one.expected.severity is Severity.CRITICAL]


def _gx() -> Any:
    with LOADED, _quiet():
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        import great_expectations

        return great_expectations


def _forget_old(place: Path) -> None:
    """Keep the newest days of each feed's results: pages and what they are made of."""
    for results in (place / "validations", place / "gx" / "uncommitted" / "validations"):
        for feed in filter(Path.is_dir, results.glob("*")):
            for old in sorted(path for path in feed.iterdir() if path.is_dir())[:-KEPT_DAYS]:
                shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep its log lines and warnings off the console: what matters is returned."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(before)
