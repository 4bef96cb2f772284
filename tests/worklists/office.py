"""LibreOffice without a window, where it is installed; tests skip, saying why, where it is not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def converted(files: list[Path], kind: str, out: Path) -> list[Path]:
    """Files saved again by LibreOffice as another kind: `xlsx`, `ods`, or `csv` (the third sheet's content is lost, as for a person)."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no LibreOffice on the PATH; Debian, Ubuntu: apt-get install libreoffice-calc")
    out.mkdir(exist_ok=True)
    profile = f"-env:UserInstallation={(out / 'profile').as_uri()}"
    subprocess.run([office, profile, "--headless", "--convert-to", kind, "--outdir", str(out), *map(str, files)],
                   check=True, capture_output=True, timeout=240)
    return [out / f"{file.stem}.{kind.split(':')[0]}" for file in files]
