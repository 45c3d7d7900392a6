"""What type stubs of virtual and of real mode differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...graph.types import PYTHON_TYPES

__all__ = ['REAL', 'VIRTUAL', 'StubOptions']

_PYTHON_HEADER = """\
# pyright: reportUnusedImport=false
from collections.abc import Generator as _Generator, Mapping as _Mapping, Sequence as _Sequence
from enum import Enum as _Enum
from pathlib import PurePath as _PurePath
from typing import (
    Any as _Any, Generic as _Generic, Literal as _Literal, TypeAlias as _TypeAlias, TypeVar as _TypeVar,
    overload as _overload,
)
"""
_VIRTUAL_HEADER = (
    _PYTHON_HEADER
    + """
from comfy_script.runtime import (
    AudioResult as _AudioResult, ImageBatchResult as _ImageBatchResult, LatentResult as _LatentResult,
    Model3DResult as _Model3DResult, NodeOutput as _NodeOutput, Result as _Result, TextResult as _TextResult,
    VideoResult as _VideoResult,
)
from comfy_script.runtime.calls.outputs import Handle as _Handle, Value as _Value
from comfy_script.runtime.calls.pictures import HasArray as _HasArray, HasArrayInterface as _HasArrayInterface

_Picture: _TypeAlias = _PurePath | _HasArray | _HasArrayInterface
_R = _TypeVar('_R', bound=_Result, covariant=True)

class _Gives(_NodeOutput, _Generic[_R]):
    def wait(self, timeout: float | None = None) -> _R: ...
    def wait_result(self, timeout: float | None = None) -> _R: ...
    async def result(self) -> _R: ...
    def __await__(self) -> _Generator[_Any, None, _R]: ...

class _Shown(_Gives[_R], _Handle): ...
"""
)


class StubOptions(NamedTuple):
    """What differs between modes. `value_types`: data type → Python type, where values are not `Value`s.

    `strict`: an input with choices takes these alone, so that a type checker finds misspelt ones.
    """

    module: str = 'nodes'
    header: str = _VIRTUAL_HEADER
    value_types: Mapping[str, str] | None = None
    no_output: str = '_Handle'
    hidden: bool = False
    strict: bool = False

    @property
    def is_virtual(self) -> bool:
        """Whether calls give outputs that have not run."""
        return self.value_types is None


VIRTUAL = StubOptions()
REAL = StubOptions(
    module='real/nodes',
    header=_PYTHON_HEADER + '\nfrom torch import Tensor as _Tensor\n',
    value_types={
        'IMAGE': '_Tensor',
        'MASK': '_Tensor',
        'LATENT': 'dict[str, _Any]',
        'CONDITIONING': 'list[_Any]',
        'AUDIO': 'dict[str, _Any]',
        **{data: python.__name__ for data, python in PYTHON_TYPES.items()},
    },
    no_output='dict[str, _Any]',
    hidden=True,
)
"""Real mode: values are what the nodes return, hidden inputs are keywords."""
