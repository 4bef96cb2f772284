"""`kehu`: every command, its options and exit codes. Jobs are imported when they run, so that help is instant."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from conf.errors import ExitCode

DAY = click.DateTime(formats=["%Y-%m-%d"])


def _options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options many commands share, declared once."""
    shared = {
        "date": click.option("--date", "day", type=DAY, required=True, help="Business date."),
        "as-of": click.option("--as-of", "day", type=DAY, required=True, help="Nothing later is looked at."),
        "landing": click.option("--landing", help="Where the feeds' drops lie.", metavar="DIR"),
        "lake": click.option("--lake", help="Where the tables lie.", metavar="DIR"),
        "conf": click.option("--conf", help="A directory laid over the packaged configuration.", metavar="DIR"),
        "debug": click.option("--debug", is_flag=True, help="Show tracebacks."),
    }

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed((*names, "debug")):
            command = shared[name](command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kehu")
def cli() -> None:
    """Customer-event analytics for banks: notices, explains and hands over."""


@cli.command()
@_options("date", "landing", "lake", "conf")
def run(day: datetime, **given: Any) -> None:
    """The whole day: ingest, detect, features, score, alert, export."""
    from jobs.run import whole_day

    _day_command("run", whole_day, day, given)


def _one_job(name: str, module: str, summary: str) -> None:
    @cli.command(name, help=summary)
    @_options("date", "landing", "lake", "conf")
    def job(day: datetime, **given: Any) -> None:
        from importlib import import_module

        from jobs.run import one_job

        _day_command(name, lambda opened: one_job(opened, name, import_module(module).run), day, given)


_one_job("ingest", "jobs.ingest", "Take in all drops up to the date that were not yet taken.")
_one_job("detect", "jobs.detect", "Flag abnormal withdrawals and deposits.")
_one_job("score", "jobs.score", "Score every offer for every customer.")
_one_job("alert", "jobs.alert", "Decide who is to be called, and why.")
_one_job("export", "jobs.export", "Write the worklists.")
_one_job("monitor", "jobs.monitor", "Drift since training, and what came of past predictions, as a page.")


@cli.command()
@click.option("--from", "first", type=DAY, required=True, help="First business date.")
@click.option("--to", "last", type=DAY, required=True, help="Last business date.")
@_options("landing", "lake", "conf")
def backfill(first: datetime, last: datetime, **given: Any) -> None:
    """Many days, one after another, without worklists; days already done are skipped, so it resumes where it stopped."""
    from jobs.backfill import backfill as days

    _day_command("backfill", lambda opened: days(opened, first.date()), last, given)


@cli.command()
@_options("as-of", "landing", "lake", "conf")
def train(day: datetime, **given: Any) -> None:
    """Train, evaluate and, where the gates pass, promote the offer models."""
    from jobs.run import one_job
    from jobs.train import run as work

    _day_command("train", lambda opened: one_job(opened, "train", work), day, given)


@cli.command()
@click.option("--date", "--as-of", "day", type=DAY, help="Business date.")
@click.option("--list", "listed", is_flag=True, help="List every feature with its meaning, and stop.")
@click.option("--customer", metavar="ID", help="Print one customer's features of the date with where each comes from, and stop.")
@_options("landing", "lake", "conf")
def features(day: datetime | None, listed: bool, customer: str | None, **given: Any) -> None:
    """Build features, segments and life events of a date; or list them; or print one customer's."""
    from jobs import build_features

    if listed:
        return click.echo(build_features.listed(_where(given)[0]))
    if day is None:
        raise click.UsageError("--date is needed, except with --list")
    if customer is not None:
        return click.echo(build_features.printed(*_where(given), day.date(), customer))
    from jobs.run import one_job

    return _day_command("features", lambda opened: one_job(opened, "features", build_features.run), day, given)


@cli.command()
@click.argument("offer_id")
@_options("lake", "conf")
def rollback(offer_id: str, **given: Any) -> None:
    """Put the previous champion of an offer's model back in use."""
    from jobs.train import rollback as back

    _day_command("rollback", lambda opened: back(opened, offer_id), None, given)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@_options("landing", "lake", "conf")
def outcomes(files: tuple[str, ...], **given: Any) -> None:
    """Take worklists with outcomes (XLSX, CSV, or what the page saved) back in."""
    from jobs.outcomes import take

    _day_command("outcomes", lambda opened: take(opened, files), None, given)


@cli.command()
@click.argument("alert_id")
@click.option("--again", is_flag=True, help="Also detect its flows anew, as of their day, and compare every number.")
@_options("lake", "conf")
def explain(alert_id: str, again: bool, **given: Any) -> None:
    """Why an alert was raised: rows, baseline, model inputs, table versions; recomputed, and said if it differs."""
    from jobs.explain import explained

    click.echo(explained(*_where(given), alert_id))
    if again:
        from jobs.redetect import redetected

        _day_command("explain", lambda opened: redetected(opened, alert_id), None, given)


@cli.command()
@_options("date", "lake", "conf")
def dial(day: datetime, **given: Any) -> None:
    """What a day's alerts would cost and be worth at each cut: the budget dial, to look at before the worklists go out."""
    from jobs.dial import dialled

    click.echo(dialled(*_where(given), day.date()))


@cli.command()
@click.option("--from", "first", type=DAY, required=True, help="First day alerts were raised on.")
@click.option("--to", "last", type=DAY, required=True, help="Last day alerts were raised on.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write the page to a file instead of printing it.")
@_options("lake", "conf")
def effect(first: datetime, last: datetime, html: str | None, **given: Any) -> None:
    """What calling brought: treated against control, by type of alert and by offer, with 95 % intervals."""
    from jobs.effect import effect as told

    click.echo(told(*_where(given), first.date(), last.date(), html))


@cli.command()
@click.argument("customer_id")
@click.option("--html", type=click.Path(dir_okay=False), help="Write the page to a file instead of printing it.")
@click.option("--why-not", "why", is_flag=True, help="For auditors: every offer, and each rule that stood against it; and stop.")
@_options("lake", "conf")
def customer(customer_id: str, html: str | None, why: bool, **given: Any) -> None:
    """The customer's whole picture on one page, within seconds and without Spark."""
    from jobs.customer import pictured

    if why:
        from jobs.why_not import why_not

        return click.echo(why_not(*_where(given), customer_id))
    return click.echo(pictured(*_where(given), customer_id, html))


@cli.command()
@_options("landing", "lake", "conf")
def status(**given: Any) -> None:
    """What ran, and what is fresh or late."""
    from jobs.status import told

    click.echo(told(*_where(given)))


@cli.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@_options("landing", "lake", "conf")
def doctor(repair: bool, **given: Any) -> None:
    """What is broken, and how to repair it."""
    from jobs.doctor import examined

    click.echo(examined(*_where(given), repair))


@cli.command()
@_options("lake", "conf")
def maintain(**given: Any) -> None:
    """Compact the tables, drop what retention no longer asks for, and free the disk."""
    from jobs.maintain import maintained

    _day_command("maintain", maintained, None, given)


@cli.command()
@click.argument("customer_ids", nargs=-1, required=True)
@_options("landing", "lake", "conf")
def erase(customer_ids: tuple[str, ...], **given: Any) -> None:
    """Erase customers from every table, file and worklist, physically, with proof."""
    from jobs.erase import erased

    _day_command("erase", lambda opened: erased(opened, customer_ids), None, given)


@cli.command()
@click.option("--out", required=True, help="Where the feeds and the truth go.", metavar="DIR")
@click.option("--customers", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--days", type=click.IntRange(1), default=400, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def simulate(out: str, customers: int, days: int, seed: int, debug: bool) -> None:  # noqa: ARG001
    """A bank world as landing feeds, with its truth beside it."""
    from jobs.console import Console
    from jobs.simulate import simulated

    with Console() as console:
        console.summary(simulated(out, customers, days, seed, console.step))


@cli.command()
@click.option("--dir", "directory", default="demo", show_default=True, help="Where everything of the demo goes.", metavar="DIR")
@click.option("--berka", metavar="DIR", type=click.Path(exists=True, file_okay=False), help="Run on this copy of the Berka data.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def demo(directory: str, berka: str | None, debug: bool) -> None:  # noqa: ARG001
    """The main job on real input, from nothing to worklists."""
    from jobs.console import Console
    from jobs.demo import demonstrated

    with Console() as console:
        console.summary(demonstrated(directory, berka, console.step))


def main(*prefix: str) -> None:
    """Entry point. A `prefix` names the command, for `python -m jobs.<name>`."""
    arguments = [*prefix, *sys.argv[1:]]
    try:
        cli.main(arguments, prog_name="kehu", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except click.Abort:
        sys.exit(130)
    except Exception as error:
        from jobs.failures import told

        if "--debug" in arguments:
            traceback.print_exc()
        failed = told(error, " ".join(arguments[:1]))
        print(f"kehu: {failed}", file=sys.stderr)
        sys.exit(failed.code)


def _where(given: dict[str, Any]) -> tuple[Any, Any]:
    """The configuration a command was given, and the places it works on."""
    from conf import load_settings
    from expectations.configured import misfits
    from jobs.context import places

    settings = load_settings(given["conf"], misfits)
    return settings, places(settings, given.get("landing"), given.get("lake"))


def _day_command(name: str, work: Callable[[Any], Any], day: date | datetime | None, given: dict[str, Any]) -> None:
    """Open the lake for a day (the newest that was run, where none is given), do the work, say what was done."""
    from jobs.console import Console
    from jobs.context import opened
    from jobs.ledger import last_day

    settings, where = _where(given)
    day = last_day(where.lake) if day is None else day
    business_date = day.date() if isinstance(day, datetime) else day
    with Console() as console, opened(settings, where, business_date, name, console.step) as job:
        console.summary(work(job))


if __name__ == "__main__":
    main()
