"""What Kehu is made of, as a CycloneDX bill: `python -m jobs.materials > build/sbom.json`. Read from the locks, so it needs no network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jobs.context import code_version
from jobs.jars import locked

LOCK = Path(__file__).parents[1] / "requirements.lock"
PACKAGE = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
JAR = re.compile(r"(.+?)_(.+)-([0-9.]+)\.jar")  # group_artifact-version.jar, as the JARs are named


def bill() -> dict[str, Any]:
    """Every locked package and JAR, in alphabetical order."""
    packages = sorted(set(PACKAGE.findall(LOCK.read_text(encoding="utf-8"))))
    jars = [(*_parts(name), digest) for name, digest in sorted(locked().items())]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "kehu", "version": code_version()}},
        "components": [
            *({"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"} for name, version in packages),
            *({"type": "library", "group": group, "name": artifact, "version": version, "purl": f"pkg:maven/{group}/{artifact}@{version}",
               "hashes": [{"alg": "SHA-256", "content": digest}]} for group, artifact, version, digest in jars),
        ],
    }


def _parts(jar: str) -> tuple[str, str, str]:
    found = JAR.fullmatch(jar)
    assert found is not None, jar
    return found.group(1), found.group(2), found.group(3)


if __name__ == "__main__":
    print(json.dumps(bill(), indent=1))
