"""Where in the user's script a node call was made: taken at the call, read out when asked; the script's text."""

from __future__ import annotations

import bisect
import dis
import linecache
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeVar

from ..wire.errors import Origins

__all__ = [
    'find_source',
]

_OWN = __name__.partition('.')[0]
_OWN_PREFIX = _OWN + '.'
_MOST_CALLERS = 12
_MOST_CODES = 512


T = TypeVar('T')


def _once_per_code(read: Callable[[CodeType], T]) -> Callable[[CodeType], T]:
    """Remembers what is read of a code object, by identity: to compare two is to compare all that is in them."""
    known: dict[int, tuple[CodeType, T]] = {}

    @wraps(read)
    def reading(code: CodeType) -> T:
        found = known.get(id(code))
        if found is None:
            if len(known) >= _MOST_CODES:
                known.clear()
            found = known[id(code)] = (code, read(code))
        return found[1]

    return reading


class Step(NamedTuple):
    """A place in a code object: the instruction that was running."""

    code: CodeType
    offset: int

    @property
    def line(self) -> int:
        return line_of(self.code, self.offset)


class Site(NamedTuple):
    """The place of a node call, and the calls of the user's functions that led to it, innermost first."""

    code: CodeType
    offset: int
    callers: tuple[Step, ...] = ()

    @property
    def origin(self) -> tuple[str, int]:
        """File and line."""
        return self.code.co_filename, line_of(self.code, self.offset)


RawSite = tuple[Any, ...]
"""A `Site` as a plain tuple: those cost the garbage collector nothing."""

Locate = Callable[[], 'RawSite | None']


def call_site(home: CodeType | None = None) -> RawSite | None:
    """The innermost place outside this package that led here; its callers too where they lead up to the code `home`."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _is_own(frame):
        frame = frame.f_back
    if frame is not None and _is_pythons(frame):
        frame = script_frame(frame)
    if frame is None:
        return None
    code = frame.f_code
    if home is None or code is home or code.co_name == '<module>':
        offsets = _sites(code)
        site = offsets.get(frame.f_lasti)
        if site is None:
            site = offsets[frame.f_lasti] = (code, frame.f_lasti)
        return site
    return code, frame.f_lasti, _callers(frame.f_back, home)


@_once_per_code
def _sites(code: CodeType) -> dict[int, RawSite]:
    """One tuple per place, however often it is passed."""
    return {}


def script_frame(frame: FrameType | None, is_own: Callable[[FrameType], bool] | None = None) -> FrameType | None:
    """The innermost frame from here up that is a script's: neither ours nor of a module of Python (`asyncio`, say).

    Above an event loop or a thread pool packages are no script either, but what runs that loop: a notebook's kernel.
    """
    is_own = is_own or _is_own
    called_back = False
    while frame is not None:
        if _is_pythons(frame):
            called_back = True
        elif not is_own(frame) and not (called_back and 'site-packages' in frame.f_code.co_filename):
            return frame
        frame = frame.f_back
    return None


def is_script(frame: FrameType) -> bool:
    """Whether a frame is of neither this package nor Python itself."""
    return not _is_own(frame) and not _is_pythons(frame)


def _is_pythons(frame: FrameType) -> bool:
    name = frame.f_globals.get('__name__')
    if name == '__main__' or not isinstance(name, str) or name.partition('.')[0] not in sys.stdlib_module_names:
        return False
    # A user's module may have such a name. In a zip, as of ComfyUI's portable build, Python's have no folder.
    filename = frame.f_code.co_filename
    return filename.startswith((_STDLIB, '<frozen')) or not os.path.isabs(filename)


_STDLIB = str(Path(os.__file__).resolve().parent) + os.sep


def _is_own(frame: FrameType) -> bool:
    name = frame.f_globals.get('__name__')
    return isinstance(name, str) and (name.startswith(_OWN_PREFIX) or name == _OWN)


def _callers(frame: FrameType | None, home: CodeType | None) -> tuple[Step, ...]:
    steps = []
    while frame is not None and len(steps) < _MOST_CALLERS and not _is_own(frame):
        steps.append(Step(frame.f_code, frame.f_lasti))
        if frame.f_code is home or frame.f_code.co_name == '<module>':
            break
        frame = frame.f_back
    return tuple(steps)


@_once_per_code
def _line_table(code: CodeType) -> tuple[list[int], list[int]]:
    """Start offsets and their lines: asking a frame for its line takes time that grows with the script."""
    starts, lines = [], []
    for start, _, line in code.co_lines():
        starts.append(start)
        lines.append(line if line is not None else (lines[-1] if lines else code.co_firstlineno))
    return starts, lines


def line_of(code: CodeType, offset: int) -> int:
    starts, lines = _line_table(code)
    index = bisect.bisect_right(starts, max(offset, 0)) - 1
    return lines[index] if index >= 0 else code.co_firstlineno


_STORES = frozenset({'STORE_NAME', 'STORE_FAST', 'STORE_GLOBAL', 'STORE_DEREF'})
_FUSED_STORES = {'STORE_FAST_STORE_FAST', 'STORE_FAST_LOAD_FAST'}
_NOTHING = frozenset({'CACHE', 'EXTENDED_ARG', 'NOP'})
_SKIPPED = frozenset({'COPY', 'DUP_TOP', 'RESUME', 'PRECALL'})


@_once_per_code
def _targets(code: CodeType) -> tuple[list[int], dict[int, tuple[str | None, ...]]]:
    """The offsets of all instructions, and of each call that is assigned: the variables that take its results."""
    found: dict[int, tuple[str | None, ...]] = {}
    every = [item for item in dis.get_instructions(code) if item.opname not in _NOTHING]
    instructions = [item for item in every if item.opname not in _SKIPPED]
    for index, item in enumerate(instructions[:-1]):
        if 'CALL' not in item.opname and item.opname != 'BINARY_SUBSCR':
            continue
        names = _stored(instructions, index + 1)
        if names:
            found[item.offset] = names
    found.update(_stored_as_tuple(every))
    return [item.offset for item in instructions], found


def _stored(instructions: list[dis.Instruction], index: int) -> tuple[str | None, ...]:
    item = instructions[index]
    if item.opname not in ('UNPACK_SEQUENCE', 'UNPACK_EX'):
        return tuple(_stored_by(item)[:1])
    count = item.arg or 0
    wanted = (count & 0xFF) if item.opname == 'UNPACK_EX' else count
    names: list[str | None] = []
    for item in instructions[index + 1 :]:
        if len(names) >= wanted:
            break
        stored = _stored_by(item)
        if not stored:
            break
        names.extend(stored)
    return tuple(names[:wanted])


def _stored_as_tuple(instructions: list[dis.Instruction]) -> dict[int, tuple[str | None, ...]]:
    """`a, b = Node(), Node()`: the variable of each such call."""
    found: dict[int, tuple[str | None, ...]] = {}
    for index, item in enumerate(instructions[:-1]):
        if 'CALL' in item.opname:
            names = _names_from_the_left(instructions, index + 1)
            for call, name in zip(_calls_before(instructions, index, len(names)), names):
                found[call.offset] = (name,)
    return found


def _names_from_the_left(instructions: list[dis.Instruction], index: int) -> list[str]:
    """The variables that take what lies on the stack from here on, in the order of the values; none unless several."""
    item = instructions[index]
    following = instructions[index + 1] if index + 1 < len(instructions) else item
    if item.opname == 'BUILD_TUPLE':
        if following.opname != 'UNPACK_SEQUENCE' or following.arg != item.arg:
            return []
        names = [name for store in instructions[index + 2 : index + 2 + (item.arg or 0)] for name in _stored_by(store)]
        return names[: item.arg] if len(names) >= (item.arg or 0) else []
    moves = []
    while item.opname in _MOVES:
        moves.append(item)
        index += 1
        item = instructions[index]
    stored: list[str] = []
    while names := _stored_by(item):
        stored.extend(names)
        if item.opname == 'STORE_FAST_LOAD_FAST' or index + 1 == len(instructions):
            break
        index += 1
        item = instructions[index]
    values = list(range(len(stored)))
    for move in moves:
        if _MOVES[move.opname] > len(stored) or (move.arg or 0) > len(stored):
            return []
        _move(values, move)
    return [name for _, name in sorted(zip(reversed(values), stored))] if len(stored) > 1 else []


# Instructions that put values into order, with the least that there are (in 3.10 the first two).
_MOVES = {'ROT_TWO': 2, 'ROT_THREE': 3, 'SWAP': 2}


def _move(stack: list[int], item: dis.Instruction) -> None:
    if item.opname == 'ROT_TWO':
        stack.insert(-1, stack.pop())
    elif item.opname == 'ROT_THREE':
        stack.insert(-2, stack.pop())
    else:
        depth = -(item.arg or 0)
        stack[depth], stack[-1] = stack[-1], stack[depth]


def _calls_before(instructions: list[dis.Instruction], index: int, count: int) -> list[dis.Instruction]:
    """The calls that put the last `count` values on the stack, if calls did, one after the other."""
    calls: list[dis.Instruction] = []
    height = 0
    while index >= 0 and len(calls) < count:
        item = instructions[index]
        if height == -len(calls):
            if 'CALL' not in item.opname:
                return []
            calls.insert(0, item)
        if item.opcode in _JUMPS:
            return []
        height -= dis.stack_effect(item.opcode, item.arg, jump=False)
        index -= 1
    return calls if len(calls) == count else []


_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))


def _stored_by(item: dis.Instruction) -> list[str]:
    if item.opname in _STORES:
        return [str(item.argval)]
    if item.opname in _FUSED_STORES:
        names = [str(name) for name in (item.argval if isinstance(item.argval, tuple) else (item.argval,))]
        return names if item.opname == 'STORE_FAST_STORE_FAST' else names[:1]
    return []


def target_names(site: Site) -> tuple[str | None, ...]:
    """The variables that a call's results were assigned to: `('model', 'clip', 'vae')`; empty where none were."""
    offsets, names = _targets(site.code)
    # A running call is at its instruction, or (Python 3.11) at what the interpreter keeps behind it.
    index = bisect.bisect_right(offsets, site.offset) - 1
    return names.get(offsets[index], ()) if index >= 0 else ()


@_once_per_code
def _loops(code: CodeType) -> tuple[list[int], list[int]]:
    """Where the outermost spans of offsets that a jump back repeats begin, and where they end."""
    spans = sorted(
        (item.argval, item.offset)
        for item in dis.get_instructions(code)
        if 'JUMP' in item.opname and isinstance(item.argval, int) and item.argval <= item.offset
    )
    starts: list[int] = []
    ends: list[int] = []
    for start, end in spans:
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends


def in_loop(step: Step | Site) -> bool:
    """Whether a place is inside a loop of its function."""
    starts, ends = _loops(step.code)
    index = bisect.bisect_right(starts, step.offset) - 1
    return index >= 0 and step.offset <= ends[index]


def unpacked_count(frame: FrameType) -> int | None:
    """How many values the running instruction of a frame unpacks; None where it is doing something else."""
    code, offset = frame.f_code.co_code, frame.f_lasti
    if not 0 <= offset < len(code):
        return None
    name = dis.opname[code[offset]]
    if name == 'UNPACK_SEQUENCE':
        return _argument(code, offset)
    if name == 'UNPACK_EX':
        argument = _argument(code, offset)
        return (argument & 0xFF) + (argument >> 8)
    return None


_FORMATTING = frozenset(
    {
        'BINARY_MODULO',
        'BINARY_OP',
        'CONVERT_VALUE',
        'FORMAT_SIMPLE',
        'FORMAT_VALUE',
        'FORMAT_WITH_SPEC',
        'INPLACE_MODULO',
    }
)
"""What `%` and the parts of f-strings compile to, from Python 3.10 to 3.14."""


def is_made_text(frame: FrameType) -> bool:
    """Whether the running instruction of a script's frame puts a value into a text: `'%s' % value`, `f'{value!s}'`."""
    code, offset = frame.f_code.co_code, frame.f_lasti
    return 0 <= offset < len(code) and dis.opname[code[offset]] in _FORMATTING and is_script(frame)


def _argument(code: bytes, offset: int) -> int:
    value, shift = code[offset + 1], 8
    while offset >= 2 and dis.opname[code[offset - 2]] == 'EXTENDED_ARG':
        offset -= 2
        value |= code[offset + 1] << shift
        shift += 8
    return value


def home_code() -> CodeType | None:
    """The code of the innermost frame outside this package."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _is_own(frame):
        frame = frame.f_back
    return frame.f_code if frame is not None else None


MAX_SOURCE = 1_000_000
_PACKAGE = Path(__file__).parents[2]
_OURS = tuple(str(_PACKAGE / floor) + os.sep for floor in (
    'comfyui', 'graph', 'host', 'interpreter', 'nodes', 'panel', 'runtime', 'transpiler', 'ui',
))  # fmt: skip


_SHELLS = frozenset({'IPython', 'ipykernel', 'ipywidgets', 'nbclient', 'tornado', 'traitlets', 'zmq'})
"""Packages that run a notebook's cells and show what they give."""


def find_source(made_at: Origins | None = None) -> str | None:
    """The text of the script (or notebook cell) that is running: the nearest caller outside of this package.

    Where none is (a thread of a pool runs a method of ours, or a notebook shows an output), that of the script which
    made the nodes: `made_at` has their places.
    """
    frame = script_frame(sys._getframe(1), _is_no_script)
    if frame is not None:
        return _text(frame.f_code.co_filename, frame.f_globals)
    files = dict.fromkeys(file for file, _ in (made_at or {}).values())
    return next((text for text in map(_text, reversed(files)) if text), None)


def _text(filename: str, module: dict[str, Any] | None = None) -> str | None:
    text = ''.join(linecache.getlines(filename, module))
    return text if 0 < len(text) <= MAX_SOURCE else None


def _is_no_script(frame: FrameType) -> bool:
    name = frame.f_globals.get('__name__')
    return frame.f_code.co_filename.startswith(_OURS) or (
        isinstance(name, str) and name.partition('.')[0] in _SHELLS
    )
