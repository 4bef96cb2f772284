"""`kehu`: every command, its options and exit codes. Jobs are imported when they run, so that help is instant."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from conf.errors import ExitCode, KehuError

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


def _one_job(name: str, module: str, summary: str, *, backfilled: bool = False) -> None:
    @cli.command(name, help=summary)
    @_options("date", "landing", "lake", "conf")
    def job(day: datetime, **given: Any) -> None:
        from importlib import import_module

        from jobs.run import one_job

        _day_command(name, lambda opened: one_job(opened, name, import_module(module).run), day, given)


_one_job("ingest", "jobs.ingest", "Take in all drops up to the date that were not yet taken.")
_one_job("detect", "jobs.detect", "Flag abnormal withdrawals and deposits.")
_one_job("features", "jobs.build_features", "Build features, segments and life events.")
_one_job("score", "jobs.score", "Score every offer for every customer.")
_one_job("alert", "jobs.alert", "Decide who is to be called, and why.")
_one_job("export", "jobs.export", "Write the worklists.")


@cli.command()
@click.option("--from", "first", type=DAY, required=True, help="First business date.")
@click.option("--to", "last", type=DAY, required=True, help="Last business date.")
@_options("landing", "lake", "conf")
def backfill(first: datetime, last: datetime, **given: Any) -> None:
    """Many days, one after another; days already done are skipped, so it resumes where it stopped."""
    from jobs.backfill import backfill as days

    _day_command("backfill", lambda opened: days(opened, first.date()), last, given)


@cli.command()
@_options("as-of", "landing", "lake", "conf")
def train(day: datetime, **given: Any) -> None:
    """Train, evaluate and, where the gates pass, promote the offer models."""
    from jobs.run import one_job
    from jobs.train import run as work

    _day_command("train", lambda opened: one_job(opened, "train", work), day, given)


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
    except KehuError as error:
        if "--debug" in arguments:
            raise
        print(f"kehu: {error}", file=sys.stderr)
        sys.exit(error.code)
    except OSError as error:
        if "--debug" in arguments:
            raise
        print(f"kehu: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        sys.exit(ExitCode.IO)
    except Exception as error:
        if "--debug" in arguments:
            raise
        print(f"kehu: unexpected {type(error).__name__}; run again with --debug", file=sys.stderr)
        sys.exit(ExitCode.CHECK_FAILED)


def _day_command(name: str, work: Callable[[Any], Any], day: date | datetime, given: dict[str, Any]) -> None:
    """Open the lake for a day, do the work, say what was done."""
    from conf import load_settings
    from jobs.console import Console
    from jobs.context import opened, places

    settings = load_settings(given["conf"])
    where = places(settings, given["landing"], given["lake"])
    business_date = day.date() if isinstance(day, datetime) else day
    with Console() as console, opened(settings, where, business_date, name, console.step) as job:
        console.summary(work(job))


if __name__ == "__main__":
    main()
