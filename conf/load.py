"""Reads the configuration: packaged defaults, overlaid by a bank's own directory, refused with file, line and key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from conf.errors import ExitCode, KehuError
from conf.model import Model, Wrong, refusal
from conf.settings import Settings

DEFAULTS = Path(__file__).parent
NAMED = ("feeds", "offers", "life_events", "wording")  # directories of one YAML file a thing, keyed by the file's name
MAX_BYTES = 1 << 20
# where a run lies and how large it is decides no row
PLACE_AND_SIZE: dict[str, bool | set[str]] = {"paths": True, "spark": {"master", "driver_memory", "java_options", "shuffle_partitions"}}
_SECRET = re.compile(r"password|secret|token|api_?key", re.IGNORECASE)

Place = tuple[Path, int]  # file, line
Location = tuple[str, ...]  # keys and numbers of list items, from the outside in


class _Loader(yaml.SafeLoader):
    """YAML without its dates: 2017-11-24 is what was written, and 2017-13-24 is for the settings to refuse."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load_settings(directory: Path | str | None = None, *checks: Callable[[Settings], Iterable[Wrong]]) -> Settings:
    """The settings of a run.

    Parameters
    ----------
    directory : path, optional
        A bank's configuration. `kehu.yaml` there is laid over the packaged one key by key; a file in `feeds/`,
        `offers/`, `life_events/` or `wording/` replaces the packaged file of the same name or adds a new one; a language's
        holds every word. Where only some keys of one differ, `kehu.yaml` can say these alone: `offers: {mortgage: {margin: 2400}}`.
    *checks
        What else must hold, and `conf` cannot know: each gives the keys that are wrong, and why.

    Raises
    ------
    KehuError
        CONFIGURATION, naming file, line and key, for anything that is not exactly as declared.
    """
    layers = [DEFAULTS]
    if directory is not None:
        layer = Path(directory)
        if not layer.is_dir():
            raise KehuError(f"configuration directory {layer} does not exist", ExitCode.CONFIGURATION)
        if layer.resolve() != DEFAULTS.resolve():
            layers.append(layer)
    values: dict[str, Any] = {}
    places: dict[Location, Place] = {}
    for layer in layers:
        _overlay(values, layer, places)
    try:
        settings = Settings.model_validate(values)
        wrong = [each for check in checks for each in check(settings)]
        if wrong:
            raise refusal(wrong)
        return settings
    except ValidationError as refused:
        raise _told(refused, places) from None


def conf_hash(settings: Settings) -> str:
    """A short hash of everything configured that decides rows: equal settings give equal hashes, whatever files they came from.

    A run that is given more memory, another machine or a cluster is the same run.
    """
    return hashlib.sha256(settings.model_dump_json(exclude=PLACE_AND_SIZE).encode()).hexdigest()[:16]


def _overlay(values: dict[str, Any], layer: Path, places: dict[Location, Place]) -> None:
    """Lay one directory of YAML over `values`, remembering where each key was written."""
    main = layer / "kehu.yaml"
    if main.exists():
        _merge(values, _read(main, (), places))
    for kind in NAMED:
        for file in sorted((layer / kind).glob("*.yaml")):
            for stale in [at for at in places if at[:2] == (kind, file.stem)]:
                del places[stale]
            places[kind, file.stem] = (file, 1)
            said = _read(file, (kind, file.stem), places)
            if isinstance(values.setdefault(kind, {}), dict):  # else it is refused where it was written
                values[kind][file.stem] = said


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value


def _read(file: Path, prefix: Location, places: dict[Location, Place]) -> dict[str, Any]:
    if file.stat().st_size > MAX_BYTES:
        raise KehuError(f"{file}: larger than {MAX_BYTES} bytes, not a configuration file", ExitCode.CONFIGURATION)
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
        if node is None:
            return {}
        for location, line, key in _keys(node, prefix, file):
            if _SECRET.search(key):
                raise KehuError(f"{file}:{line}: {key}: secrets do not belong in configuration", ExitCode.CONFIGURATION)
            places[location] = (file, line)
        value = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise KehuError(f"{file}:{line}: not YAML: {getattr(error, 'problem', None) or error}", ExitCode.CONFIGURATION) from None
    if not isinstance(value, dict):
        raise KehuError(f"{file}:1: expected keys and values", ExitCode.CONFIGURATION)
    return value


def _keys(node: yaml.Node, at: Location, file: Path) -> Iterator[tuple[Location, int, str]]:
    """Every key below a node with its line; a key written twice is refused, as YAML itself would keep the last silently."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen:
                raise KehuError(f"{file}:{line}: {key}: written twice", ExitCode.CONFIGURATION)
            seen.add(key)
            yield (*at, key), line, key
            yield from _keys(value_node, (*at, key), file)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*at, str(index)), item.start_mark.line + 1, ""
            yield from _keys(item, (*at, str(index)), file)


def _told(refused: ValidationError, places: Mapping[Location, Place]) -> KehuError:
    """The first thing wrong, in one line, at the nearest place a person can open."""
    first = refused.errors()[0]
    location: Location = tuple(str(part) for part in first["loc"] if part != "[key]")
    near = location
    while near and near not in places:
        near = near[:-1]
    file, line = places.get(near, (DEFAULTS / "kehu.yaml", 1))
    key = ".".join(location)
    more = f" (and {refused.error_count() - 1} more)" if refused.error_count() > 1 else ""
    wrong = _unknown(location[-1]) if first["type"] == "extra_forbidden" else first["msg"]
    return KehuError(f"{file}:{line}: {key}: {wrong}{more}", ExitCode.CONFIGURATION)


def _unknown(key: str) -> str:
    """What to say of a key that no setting has: most are misspelt."""
    known = sorted({name for model in Model.__subclasses__() for name in model.model_fields})
    alike = get_close_matches(key, known, 1)
    return f"there is no such setting; did you mean {alike[0]}?" if alike else "there is no such setting; take it out"
