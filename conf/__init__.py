"""What a bank edits: YAML, and the typed, frozen models that check it."""

from conf.errors import ExitCode, KehuError
from conf.load import conf_hash, load_settings
from conf.settings import Settings

__all__ = ["ExitCode", "KehuError", "Settings", "conf_hash", "load_settings"]
