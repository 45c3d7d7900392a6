"""Attempts to get out of the interpreter. Every one must end in a ScriptError; none may touch anything outside.

Sources: published escapes of RestrictedPython (CVE-2023-37271, CVE-2023-41039, CVE-2024-47532, CVE-2025-22153), asteval
(CVE-2025-24359), simpleeval, smolagents' interpreter (CVE-2025-5120, CVE-2025-9959), Jinja's sandbox (CVE-2016-10745,
CVE-2019-10906, CVE-2024-56326, CVE-2025-27516), Python jails of CTFs, and our own. `CANARY` is a file's path.
"""

from __future__ import annotations

ATTRIBUTE_WALKS = r"""
().__class__
().__class__.__bases__[0].__subclasses__()
().__class__.__base__.__subclasses__()[104].load_module('os').system('id')
''.__class__.__mro__[1].__subclasses__()
[].__class__.__base__
{}.__class__.__init__.__globals__
(lambda: 0).__globals__
(lambda: 0).__code__
(lambda: 0).__closure__
(lambda: 0).__defaults__
(lambda: 0).func_globals
print.__self__
print.__module__
len.__self__.__import__('os')
[].append.__self__
'a'.join.__self__.__class__
int.__subclasses__()
int.mro()
type.mro(int)
Exception.__subclasses__()
ValueError('x').__traceback__
ValueError('x').__context__
ValueError('x').with_traceback(None)
ValueError('x').add_note('y')
math = 1; math.__loader__
(1).__class__.__class__
(1).real.__class__
None.__class__
....__class__
True.__reduce__()
(1, 2).__reduce_ex__(2)
[].__reduce_ex__(2)
{}.__getattribute__('keys')
object()
object.__subclasses__()
super().__init__
KSampler.__class__
KSampler.schema
KSampler.info
KSampler._namespace
KSampler.node_class
KSampler.class_type
node.__class__
nodes.__dict__
Checkpoints.__class__
Checkpoints._namespace
Checkpoints.enum
(x for x in [1]).gi_frame
(x for x in [1]).gi_frame.f_back.f_globals
(x for x in [1]).gi_code
(x for x in [1]).gi_yieldfrom
[g.gi_frame.f_back.f_back for g in [(g for _ in [1])]]
iter([]).__reduce__()
iter([]).__setstate__(0)
map(len, []).__class__
range(1).__class__
slice(1).__class__
slice(1).indices(10)
dict.fromkeys.__self__
str.maketrans.__self__
load.__class__
Workflow.__enter__
Workflow().api_format()
"""

TYPE_TRICKS = r"""
type(1)('x')
type('X', (), {})
type('X', (object,), {'__init__': print})
type(type)
type(print)
type(lambda: 0)('x')
type(KSampler)
isinstance.__class__
type(1).__mro__
type([]).__subclasses__()
bool.mro
complex.from_number.__self__
int.__new__(int)
str.format.__self__
object.__getattribute__
property(lambda self: 1)
classmethod(print)
staticmethod(print)
memoryview(b'x')
bytearray(b'x').__class__
__build_class__
breakpoint()
exit()
quit()
copyright
help()
license()
"""

FORMAT_WALKS = r"""
'{0.__class__}'.format(1)
'{0.__class__.__base__}'.format(1)
'{0.__init__.__globals__}'.format(print)
'{x.__class__}'.format(x=1)
'{0[__class__]}'.format(KSampler)
'{0.real.__class__}'.format(1)
'{:{0.__class__}}'.format(1)
'{0!r:{1.__class__}}'.format('a', 1)
'{.__class__}'.format(1)
'{0.a}'.format(KSampler)
'{0._x}'.format(1)
'{0.__class__.__init__.__globals__[os]}'.format(ValueError('x'))
'%(a)s' % __builtins__
'{a.__dict__}'.format(a=KSampler)
'{}'.format.__class__
str.format('{0.__class__}', 1)
'{0.__class__}'.format_map({'0': 1})
'{a.__class__}'.format_map({'a': 1})
f'{().__class__}'
f'{(lambda: 0).__globals__}'
f'{print.__self__!r}'
f'{1:{().__class__}}'
f'{__import__("os")}'
'{0.gi_frame}'.format(x for x in [1])
list(map('{0.__class__}'.format, [1]))
sorted([1], key='{0.__class__}'.format)
max([1], key='{.__class__}'.format)
(lambda f: f('{0.__class__}', 1))(str.format)
import functools; functools.partial('{0.__class__}'.format, 1)()
import functools; functools.reduce('{0.__class__}{1}'.format, [1, 2])
"""

CODE_AND_IMPORTS = r"""
__import__('os').system('touch CANARY')
import os
import sys
import subprocess
import builtins
import importlib
import pickle
import marshal
import ctypes
import socket
import shutil
import pathlib
import io
import gc
import inspect
import types
import code
import codecs
import tempfile
import urllib.request
import http.client
import threading
import multiprocessing
import signal
import numpy
import torch.utils.cpp_extension
import torch.hub
import comfy.utils
import folder_paths
import nodes as n; n.NODE_CLASS_MAPPINGS
import os.path as p
from os import system
from posix import system
from sys import modules
from builtins import eval
from math import __loader__
from random import _os
from random import _urandom
from random import SystemRandom
from json import codecs
from json import decoder
from re import _compiler
from re import sre_compile
from functools import singledispatch
from functools import wraps
from functools import cached_property
from functools import _make_key
from operator import attrgetter
from operator import methodcaller
from itertools import _grouper
from datetime import sys
from datetime import datetime_CAPI
from statistics import sys
from colorsys import __file__
from torch import load
from torch import ops
from torch import classes
from torch import hub
from torch import jit
from torch import _C
from torch import save
from torch import multiprocessing
from torch.nn import Module
from . import host
from .. import secrets
from ...comfy_script import host
from comfy_script.host import startup; startup.load
import comfy_script.host as h; h.startup
import random; random._os.system('touch CANARY')
import random; random.SystemRandom
import json; json.codecs.open('CANARY', 'w')
import json; json.decoder.scanner
import json; json.load(open('CANARY'))
import datetime; datetime.sys.modules
import re; re._compiler
import re; re.compile('a').scanner('a')
import re; re.Scanner
import re; re.purge.__globals__
import math; math.__dict__
import math; math.__spec__.loader.load_module('os')
import functools; functools.partial(print).__reduce__()
import functools; functools.partial(print).func
import functools; functools.WRAPPER_ASSIGNMENTS
import itertools; itertools.__loader__
import operator; operator.attrgetter('__class__')(1)
import operator; operator.methodcaller('__class__')(1)
import torch; torch.load('CANARY')
import torch; torch.save(1, 'CANARY')
import torch; torch.hub.load('a', 'b')
import torch; torch.ops.load_library('x')
import torch; torch.from_file('CANARY')
import torch; torch.jit.script(print)
import torch; torch.utils
import torch; torch.zeros(1).numpy()
import torch; torch.zeros(1).apply_(print)
import torch; torch.zeros(1).map_(torch.zeros(1), print)
import torch; torch.zeros(1).register_hook(print)
import torch; torch.zeros(1).storage()
import torch; torch.zeros(1).untyped_storage()
import torch; torch.zeros(1).data_ptr()
import torch; torch.zeros(1).share_memory_()
import torch; torch.zeros(1).__reduce_ex__(2)
import torch; torch.zeros(1).grad_fn
import torch; torch.zeros(1).to('cuda:99')
import torch; torch.zeros(1, device='cuda')
import torch; torch.zeros(1, out=torch.zeros(1))
import torch; torch.set_default_dtype(torch.float64)
import torch; torch.manual_seed.__globals__
import torch; torch.float32.__class__
import torch; torch.zeros(1).dtype.to_complex()
eval('1')
exec('x = 1')
compile('1', 'x', 'eval')
open('CANARY', 'w')
input()
globals()
locals()
vars()
dir()
getattr('', 'join')
setattr(print, 'x', 1)
delattr(print, 'x')
hasattr('', 'join')
id(1)
hash('a')
"""

SYNTAX = r"""
class A: pass
class A(metaclass=print): pass
@print\ndef f(): pass
async def f(): pass
def f():\n    yield 1
def f():\n    yield from [1]
def f():\n    await g()
[x async for x in y]
with open('CANARY') as f: pass
with KSampler: pass
with Workflow(), open('CANARY'): pass
from math import *
from os import *
__builtins__
__name__
__file__
__loader__
__spec__
__debug__
__annotations__
__x = 1
def __f(): pass
def f(__a): pass
lambda __a: 1
f = lambda **k: 1; f(__a=1)
f = lambda **k: 1; f(**{'__a': 1})
x = 1; x.y = 2
print.x = 1
KSampler.x = 1
[].append = 1
del print.x
for print.x in [1]: pass
[1 for KSampler.x in [1]]
(a := 1, b.c)
import math; math.pi = 3
import math as __m
from math import pi as __pi
try:\n    1/0\nexcept ZeroDivisionError as __e:\n    pass
match 1:\n    case __x: pass
match KSampler:\n    case object(): pass
match 1:\n    case int(real=x): pass
global __builtins__
def f():\n    global __import__
def f():\n    nonlocal __x
try:\n    1/0\nexcept* ZeroDivisionError:\n    pass
type X = int
raise SystemExit
raise KeyboardInterrupt
raise GeneratorExit
raise BaseException
raise print
raise 'x'
raise 1
"""

OBJECTS = r"""
def f(x): return x.__class__\nf(1)
try:\n    raise ValueError('x')\nexcept ValueError as e:\n    e.__traceback__.tb_frame.f_globals
try:\n    raise ValueError('x')\nexcept ValueError as e:\n    e.tb_frame
try:\n    1/0\nexcept Exception as e:\n    e.args[0].__class__
try:\n    1/0\nexcept Exception as e:\n    e.args = (1,)
try:\n    [].x\nexcept AttributeError as e:\n    e.obj.__class__
try:\n    x\nexcept NameError as e:\n    e.name
try:\n    import os\nexcept Exception:\n    out = 1
try:\n    ().__class__\nexcept:\n    pass
try:\n    open('CANARY')\nexcept:\n    pass
try:\n    'a'.format_map({})\nexcept Exception:\n    pass
[KSampler][0]._call
(lambda: KSampler)()._function
KSampler.invoke
KSampler(_inputs={'a': print})
KSampler(lambda: 1)
KSampler((x for x in [1]))
KSampler(print)
KSampler([print])
KSampler({'a': [print]})
KSampler(**{'__class__': 1})
node['os'].system
node['KSampler'].__class__
node[1]
node.KSampler
sorted([1], key=().__class__)
sorted([1, 2], key=KSampler.__init__)
max([1], key=print.__class__)
list(map(KSampler.__call__, [1]))
import functools; functools.reduce(KSampler.__class__, [1, 2])
print(file=1)
print('x', file=KSampler)
str(b'x', 'utf-8', 'x', 1)
'x'.encode('rot13')
'x'.encode('zlib')
b'x'.decode('unicode_escape')
b'x'.decode('idna')
'x'.encode('utf-8', 'namereplace')
int.from_bytes(KSampler)
dict(KSampler)
set(KSampler)
len(KSampler)
KSampler + 1
KSampler[0]
KSampler()()
1()
'x'()
(1).real()
Checkpoints()
Checkpoints['__class__']
Checkpoints.mro
Samplers.euler.__class__
opaque.__class__
opaque.secret
opaque.secret()
opaque()
opaque[0]
opaque + 1
opaque < 1
-opaque
len(opaque)
list(opaque)
for x in opaque: pass
opaque.x = 1
opaque[0] = 1
del opaque[0]
int(opaque)
float(opaque)
bytes(opaque)
{opaque: 1}
{opaque}
sum([opaque])
sorted([opaque, opaque])
' '.join([opaque])
'%d' % opaque
'{:10}'.format(opaque)
f'{opaque:10}'
range(opaque)
'a' * opaque
[1][opaque]
abs(opaque)
round(opaque)
divmod(opaque, 1)
pow(opaque, 2)
import math; math.sqrt(opaque)
import json; json.dumps(opaque)
import random; random.seed(opaque)
import re; re.match(opaque, 'a')
1 in opaque
max(opaque, 1)
a, b = opaque
[*opaque]
print(*opaque)
print(**opaque)
iter(opaque)
next(opaque)
type(opaque)
frozen.append(1)
frozen[0] = 2
frozen.clear()
frozen += [1]
frozen.sort()
del frozen[0]
nested['a'].append(1)
nested['b'] = 1
nested |= {'c': 1}
import random; random.shuffle(frozen)
"""


def attempts() -> list[str]:
    """All of them, as texts."""
    groups = (ATTRIBUTE_WALKS, TYPE_TRICKS, FORMAT_WALKS, CODE_AND_IMPORTS, SYNTAX, OBJECTS)
    lines = [line for group in groups for line in group.strip().splitlines()]
    return [line.replace('\\n', '\n') for line in lines]
