"""Fetches Delta's JARs once and keeps them in the environment, so that no later start needs a network."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from conf import ExitCode, KehuError
from jobs.session import JARS, require_java

LOCK = Path(__file__).with_name("jars.lock")  # sha256, two spaces, file name: what Spark does not ship itself
PACKAGE = "io.delta:delta-spark_4.1_2.13"


def locked() -> dict[str, str]:
    """File name -> sha256 of every JAR the product needs beside Spark's own."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines if line)}


def sound(name: str, digest: str) -> bool:
    jar = JARS / name
    return jar.exists() and hashlib.sha256(jar.read_bytes()).hexdigest() == digest


def fetch() -> None:
    """Bring the locked JARs into the environment; does nothing when they are there and whole.

    Raises
    ------
    KehuError
        MISSING when they cannot be fetched or are not what was locked.
    """
    wanted = locked()
    if all(sound(name, digest) for name, digest in wanted.items()):
        return
    require_java()
    coordinates = f"{PACKAGE}:{version('delta-spark')}"
    print(f"fetching {coordinates} (once)", flush=True)
    with tempfile.TemporaryDirectory() as ivy:
        import pyspark

        submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
        nothing = Path(ivy) / "nothing.py"
        nothing.touch()
        done = subprocess.run(
            [submit, "--packages", coordinates, "--conf", f"spark.jars.ivy={ivy}", "--master", "local[1]", nothing],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        )
        JARS.mkdir(parents=True, exist_ok=True)
        for name in wanted:
            got = Path(ivy) / "jars" / name
            if not got.exists():
                last = (done.stderr.strip().splitlines() or ["no output"])[-1]
                raise KehuError(f"could not fetch {coordinates}: {last}; without a network, put the JARs named in "
                                f"{LOCK} into {JARS}", ExitCode.MISSING)
            shutil.copy(got, JARS / name)
    for name, digest in wanted.items():
        if not sound(name, digest):
            raise KehuError(f"{JARS / name} is not the file that {LOCK} names; remove it and try again", ExitCode.MISSING)


if __name__ == "__main__":
    try:
        fetch()
    except KehuError as error:
        print(f"kehu: {error}", file=sys.stderr)
        sys.exit(error.code)
