"""What each type offers after a dot. A name that is not in its type's table does not exist in scripts."""

from __future__ import annotations

from ..kinds import DictItems, DictKeys, DictValues
from ..objects import Attributes
from .entries import read, reads
from .lists_dicts_sets import DICT, FROZENSET, LIST, RANGE, SET, TUPLE
from .numbers import COMPLEX, FLOAT, INT
from .texts import BYTES, STR
from .times import TIMES_ATTRIBUTES

ATTRIBUTES: dict[type, Attributes] = {
    str: STR,
    bytes: BYTES,
    int: INT,
    bool: INT,
    float: FLOAT,
    complex: COMPLEX,
    list: LIST,
    tuple: TUPLE,
    range: RANGE,
    dict: DICT,
    set: SET,
    frozenset: FROZENSET,
    DictKeys: {},
    DictValues: {},
    DictItems: {},
    type(None): {},
    type(...): {},
    slice: reads('start stop step'),
    Exception: {'args': read(lambda x: x.args)},
    **TIMES_ATTRIBUTES,
}
