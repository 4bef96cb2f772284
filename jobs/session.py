"""The only place that makes a SparkSession: finds Java and Delta's JARs, keeps Spark's noise in a log file."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conf import ExitCode, KehuError, Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = (17, 21)
LEAST_MEMORY_MB = 3072
JARS = Path(sys.prefix) / "share" / "kehu" / "jars"  # filled once by `python -m jobs.jars`

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "1",  # the logs are small; 50 tasks each cost seconds
}
QUIET = {
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.maxPlanStringLength": "10000",  # a cached frame prints every plan below it: a day's would fill the heap
    "spark.sql.ui.explainMode": "simple",
    # each column built in Python asks Java ten times where it was built, to say so in an error: a tenth of a small bank's day
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
LEAN = {
    "spark.sql.inMemoryColumnarStorage.compressed": "false",  # read once or twice: compressing costs a third of keeping rows
    # accounts of a few hundred thousand customers still fit beside a day's movements, which then need not be sorted to be joined
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "32m",
    "spark.sql.icu.caseMappings.enabled": "false",  # `lower` would load all of ICU's tables and look through them for ASCII as well
}
COMPILING = " ".join((
    # Wide rows make generated methods of more than 8,000 bytes, which Java would interpret for ever: rules took twice as long.
    "-XX:-DontCompileHugeMethods",
    # Most generated code runs for seconds, and Java spent a quarter of all its time on optimizing it: now it waits ten times as long.
    "-XX:Tier4InvocationThreshold=50000", "-XX:Tier4MinInvocationThreshold=6000", "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
))  # fmt: skip
SAFE = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",  # either would turn a loss into silence
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
}
# How plans are made while `planned`: few rows are read faster than code for them is compiled, or a plan of them adapted …
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.adaptive.enabled": "false",
}
# … and what each of many columns may hold is derived anew for every plan above them: most of the planning, of little use here.
UNCONSTRAINED = {"spark.sql.constraintPropagation.enabled": "false"}
# Messages of Spark hold values of rows: in quotes, and after the name of an error. Stacks stay. (A properties file doubles backslashes.)
WITHOUT_VALUES = r"%replace{%replace{%m%n%ex}{'[^']*'}{'...'}}{(\\[[A-Z][A-Z0-9_.]+\\]).*}{$1}"
SHUFFLE_PARTITIONS = "spark.sql.shuffle.partitions"
ONE_MACHINE = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",  # of 10,000: a vacuum made that many tasks, half a minute a table
    "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "kehu-warehouse"),  # never used: path tables
}


def start(settings: Settings, log: Path | None = None) -> SparkSession:
    """A session as configured; under spark-submit, the submitted master and settings win.

    Parameters
    ----------
    settings : Settings
    log : path, optional
        Where Spark and the JVM write what they would print.

    Raises
    ------
    KehuError
        MISSING, with the command that mends it, without a fitting Java or without Delta's JARs.
    """
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    java = None if submitted else require_java()
    from pyspark.sql import SparkSession

    options = {**DELTA, **SAFE, **QUIET, **LEAN, SHUFFLE_PARTITIONS: str(settings.spark.shuffle_partitions)}
    builder = SparkSession.builder.appName("kehu")
    if java:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers would take any python3 on the PATH
        jars = sorted(str(jar) for jar in JARS.glob("*.jar"))
        if not jars:
            raise KehuError(f"Delta's JARs are not in {JARS}; fetch them once with `python -m jobs.jars`", ExitCode.MISSING)
        master = settings.spark.master
        builder = builder.master(master)
        options["spark.driver.memory"] = settings.spark.driver_memory or own_memory(java)
        if not any(name in os.environ for name in ("LC_ALL", "LC_CTYPE", "LANG")):
            os.environ["LC_ALL"] = "C.UTF-8"  # cron sets none, and Java would then find no path that is not ASCII
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            options |= ONE_MACHINE | {"spark.driver.extraClassPath": os.pathsep.join(jars)}
        else:
            options |= {"spark.jars": ",".join(jars), "spark.executor.extraJavaOptions": COMPILING}
        options["spark.driver.extraJavaOptions"] = " ".join([COMPILING, settings.spark.java_options, *([_logging(log)] if log else [])])
    options |= settings.spark.conf
    for key, value in options.items():
        builder = builder.config(key, value)
    for told in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):  # they would print what was refused, with its values
        logging.getLogger(told).disabled = True
    with _stderr_to(None if submitted else log):
        return builder.getOrCreate()


@contextmanager
def planned(spark: SparkSession, options: Mapping[str, str]) -> Iterator[None]:
    """Make plans under some options meanwhile; afterwards they are as they were."""
    before = {key: spark.conf.get(key, None) for key in options}
    for key, value in options.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, was in before.items():
            if was is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, was)


def java_process(spark: SparkSession) -> int | None:
    """The id of the Java process a session of ours started; None under spark-submit, where Java started us."""
    process = getattr(getattr(spark.sparkContext, "_gateway", None), "proc", None)
    return process.pid if process is not None else None


def require_java() -> str:
    """The java that Spark will start, or one clear line that says how to get one."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    how = "install Java 17 or 21 (Debian, Ubuntu: `apt-get install openjdk-17-jre-headless`) or set JAVA_HOME"
    if not java or not Path(java).exists():
        raise KehuError(f"no Java found; {how}", ExitCode.MISSING)
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if not version or int(version.group(1)) not in JAVA:
        found = version.group(1) if version else "unknown"
        raise KehuError(f"{java} is Java {found}, Spark needs 17 or 21; {how}", ExitCode.MISSING)
    return java


def own_memory(java: str) -> str:
    """What Java itself would take, a quarter of what the machine or its container has, but enough for a small bank."""
    flags = subprocess.run([java, "-XX:+PrintFlagsFinal", "-version"], capture_output=True, text=True, check=False).stdout
    heap = re.search(r"MaxHeapSize\s*=\s*(\d+)", flags)
    return f"{max(int(heap.group(1)) // 2**20 if heap else 0, LEAST_MEMORY_MB)}m"


def _logging(log: Path) -> str:
    """A log4j configuration beside the log: everything to the file, nothing to the console."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = log.with_suffix(".log4j2.properties")
    file.write_text(
        "rootLogger.level = warn\nrootLogger.appenderRef.file.ref = file\n"
        "appender.file.type = File\nappender.file.name = file\n"
        f"appender.file.fileName = {str(log).encode('unicode_escape').decode()}\n"
        f"appender.file.layout.type = PatternLayout\nappender.file.layout.pattern = %d %p %c{{1}}: {WITHOUT_VALUES}\n"
        "appender.file.layout.alwaysWriteExceptions = false\n",
        encoding="utf-8",
    )
    return f"-Dlog4j2.configurationFile={file.as_uri()}"  # a URI has no blanks, which would end the option


@contextmanager
def _stderr_to(log: Path | None) -> Iterator[None]:
    """What the JVM launcher prints before logging is set up goes to the log as well."""
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    kept = os.dup(2)
    with open(log, "ab") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":  # `make run` asks for Java before anything else
    try:
        print(require_java())
    except KehuError as error:
        print(f"kehu: {error}", file=sys.stderr)
        sys.exit(error.code)
