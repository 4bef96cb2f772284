"""One day on a Spark standalone cluster (a master and a worker of this machine) and the same day locally: the same rows.

    python -m benchmarks.cluster_day [--customers 60]
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
from deltalake import DeltaTable

from benchmarks.report import BENCHMARKS, put
from tables import TABLES

HOST = "127.0.0.1"
KEHU = [sys.executable, "-m", "jobs.cli"]
OF_THE_RUN = {"run_id"}  # the configuration is part of it, and says where Spark runs
COMPARED = sorted(set(TABLES) - {"runs", "models"})


def main(customers: int) -> None:
    os.environ["SPARK_LOCAL_IP"] = HOST
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        subprocess.run([*KEHU, "simulate", "--out", root, "--customers", str(customers), "--days", "60"], check=True)
        day = max(place.name for place in (root / "landing" / "transactions").iterdir()).removeprefix("dt=")
        seconds: dict[str, float] = {}
        with cluster(root) as master:
            for name, where in (("cluster", master), ("local", "local[2]")):
                conf = root / f"conf_{name}"
                conf.mkdir()
                (conf / "kehu.yaml").write_text(f"spark: {{master: '{where}', driver_memory: 1500m, shuffle_partitions: 2}}\n")
                started = time.monotonic()
                subprocess.run([*KEHU, "run", "--date", day, "--landing", root / "landing", "--lake", root / name / "lake",
                                "--conf", conf], check=True)
                seconds[name] = time.monotonic() - started
                print(f"{name}: {seconds[name]:.0f} s", flush=True)
        different = [table for table in COMPARED if rows(root / "cluster" / "lake" / table) != rows(root / "local" / "lake" / table)]
        told = f"{len(COMPARED)} tables compared; different: {different or 'none'}"
        print(told)
        put(BENCHMARKS, "cluster", (
            f"`python -m benchmarks.cluster_day --customers {customers}`: a first day of {customers:,} customers with sixty days of "
            "history by `kehu run`, on a standalone master and worker of the same machine and cores: "
            f"{seconds['cluster']:.0f} s on the cluster, {seconds['local']:.0f} s locally, "
            f"**{seconds['cluster'] / seconds['local']:.2f}** times as long. {told}."
        ))
        sys.exit(bool(different))


def rows(table: Path) -> list[str]:
    """A table's rows in an order of their own, without what names the run."""
    found = DeltaTable(table).to_pyarrow_table()
    return sorted(str(sorted(row.items())) for row in found.drop_columns(OF_THE_RUN & set(found.column_names)).to_pylist())


@contextmanager
def cluster(root: Path) -> Iterator[str]:
    """A master and a worker with two cores; the wheel holds no start scripts, so their classes are started."""
    port, spark = free_port(), str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    master = f"spark://{HOST}:{port}"
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1"}
    roles = (
        ["org.apache.spark.deploy.master.Master", "--host", HOST, "--port", str(port), "--webui-port", str(free_port())],
        ["org.apache.spark.deploy.worker.Worker", "--host", HOST, "--cores", "2", "--memory", "2g", "--webui-port", str(free_port()),
         "--work-dir", str(root / "work"), master],
    )
    running: list[subprocess.Popen[bytes]] = []
    try:
        with open(root / "cluster.log", "wb") as log:
            for role in roles:
                running.append(subprocess.Popen([spark, *role], env=environment, stdout=log, stderr=log))
                time.sleep(5)
        yield master
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=60)
    main(parser.parse_args().customers)
