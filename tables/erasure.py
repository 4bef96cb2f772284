"""Who was erased: known only by a keyed hash, so that a file delivered again cannot bring them back."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column

ERASURES = "_erasures"  # below the lake: the key, and a certificate an erasure
KEY = "key"
NOBODY = "erased"  # what stands in other people's rows where an id stood
SUBJECTS = ("customer_id", "account_id", "alert_id")  # the columns by which a row is about somebody


def erased_hashes(lake: Path) -> set[str]:
    """Keyed hashes of every customer, account and alert id ever erased from a lake."""
    certificates = (json.loads(file.read_text(encoding="utf-8")) for file in sorted((lake / ERASURES).glob("*.json")))
    return {subject for certificate in certificates for subject in certificate["subjects"]}


def subject_hash(lake: Path, subject: str) -> str:
    """The keyed hash of an id; the same expression as `is_erased`."""
    return hashlib.sha256((key(lake) + subject).encode()).hexdigest()


def is_erased(lake: Path, subject: Column) -> Column:
    """Whether an id belongs to someone erased, as a native expression; false where nobody ever was."""
    import pyspark.sql.functions as F

    hashes = sorted(erased_hashes(lake))
    if not hashes:
        return F.lit(False)
    return F.coalesce(F.sha2(F.concat(F.lit(key(lake)), subject), 256).isin(hashes), F.lit(False))


def key(lake: Path) -> str:
    """The lake's key, made at the first erasure; without it the hashes of short ids could be guessed."""
    file = lake / ERASURES / KEY
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_hex(32))
            out.flush()
            os.fsync(out.fileno())
    return file.read_text(encoding="utf-8")


def certify(lake: Path, name: str, certificate: dict[str, Any]) -> Path:
    """Write a certificate; it is on the disk when this returns."""
    file = lake / ERASURES / f"{name}.json"
    part = file.with_suffix(".tmp")
    with open(part, "w", encoding="utf-8") as out:
        json.dump(certificate, out, indent=2, sort_keys=True)
        out.flush()
        os.fsync(out.fileno())
    part.rename(file)
    return file
