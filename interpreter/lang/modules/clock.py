"""`datetime`, and of `time` only what tells the time."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable
from typing import Any

from ..costs import CONSTANT
from ..machine import Machine
from ..objects import Builtin, ModuleRef, TypeRef
from ..showing import check_spec
from ..types.entries import plain

MAX_TEXT = 200


def _maker(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        plain(m, args)
        plain(m, kwargs.values())
        if any(type(value) is str and len(value) > MAX_TEXT for value in (*args, *kwargs.values())):
            raise ValueError(f'a text of more than {MAX_TEXT} characters has no place in a time')
        try:
            return function(*args, **kwargs)
        except OSError as error:  # what the operating system cannot express as a time
            raise ValueError(error.strerror) from None

    return call


def _strptime(m: Machine, text: Any, template: Any, /) -> datetime.datetime:
    plain(m, (text, template))
    check_spec(template if type(template) is str else '')
    if type(text) is str and len(text) > MAX_TEXT:
        raise ValueError(f'a time of more than {MAX_TEXT} characters')
    try:
        return datetime.datetime.strptime(text, template)
    except re.error as error:
        raise ValueError(f'bad template {template!r}: {error}') from None


def _type(kind: Any, *names: str) -> TypeRef:
    attributes: dict[str, Any] = {name: Builtin(name, _maker(getattr(kind, name)), CONSTANT) for name in names}
    return TypeRef(kind.__name__, (kind,), _maker(kind), CONSTANT, attributes)


def _datetime() -> dict[str, Any]:
    moment = _type(datetime.datetime, 'now', 'today', 'fromisoformat', 'fromtimestamp', 'combine')
    assert moment.attributes is not None
    moment.attributes['strptime'] = Builtin('strptime', _strptime, CONSTANT)
    zone = _type(datetime.timezone)
    assert zone.attributes is not None
    zone.attributes['utc'] = datetime.timezone.utc
    return {
        'datetime': moment,
        'date': _type(datetime.date, 'today', 'fromisoformat', 'fromtimestamp', 'fromordinal'),
        'time': _type(datetime.time, 'fromisoformat'),
        'timedelta': _type(datetime.timedelta),
        'timezone': zone,
    }


def _time() -> dict[str, Any]:
    def strftime(m: Machine, template: Any, /) -> str:
        plain(m, (template,))
        check_spec(template if type(template) is str else '')
        return time.strftime(template)

    clocks = ('time', 'monotonic', 'perf_counter')
    found = {name: Builtin(name, _maker(getattr(time, name)), CONSTANT) for name in clocks}
    return {**found, 'strftime': Builtin('strftime', strftime, CONSTANT)}


def make(m: Machine, name: str) -> ModuleRef:
    return ModuleRef(name, _datetime() if name == 'datetime' else _time())
