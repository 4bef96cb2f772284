"""How a configuration is refused: exit 64, in one line that begins with file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conf import ExitCode, KehuError, load_settings


def refused(directory: Path, text: str, name: str = "kehu.yaml", *checks: Callable) -> str:
    """What is told of a file, after its name."""
    file = directory / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(KehuError) as error:
        load_settings(directory, *checks)
    assert error.value.code == ExitCode.CONFIGURATION
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{file}:")
