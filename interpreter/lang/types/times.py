"""What dates and times offer after a dot."""

from __future__ import annotations

import datetime
from typing import Any

from ..costs import counted
from ..machine import Machine
from ..objects import Attributes
from ..showing import check_spec, format_value
from .entries import natives, plain, reads


def _strftime(m: Machine, owner: Any, template: Any, /) -> str:
    plain(m, (template,))
    check_spec(template if type(template) is str else '')
    return format_value(m, owner, template) if template else ''


_DATE: Attributes = {
    **reads('year month day'),
    **natives(datetime.date, 'isoformat weekday isoweekday toordinal replace'),
    **counted({'strftime': _strftime}),
}

_TIME = reads('hour minute second microsecond')

TIMES_ATTRIBUTES: dict[type, Attributes] = {
    datetime.date: _DATE,
    datetime.time: {**_TIME, **natives(datetime.time, 'isoformat replace'), **counted({'strftime': _strftime})},
    datetime.datetime: {
        **_DATE,
        **_TIME,
        **natives(datetime.datetime, 'isoformat date time timestamp replace weekday isoweekday'),
    },
    datetime.timedelta: {**reads('days seconds microseconds'), **natives(datetime.timedelta, 'total_seconds')},
    datetime.timezone: {},
}
