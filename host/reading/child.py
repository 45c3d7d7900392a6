"""What runs in the child: questions from its standard input, answers to its standard output, one after the other.

Started by its path, with nothing of the environment (`python -I -S`): the standard library and this package are all
that can be imported.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import pkgutil
import queue
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from .frames import PipeFrame

FLOORS = ('graph', 'transpiler', 'interpreter', 'panel')


def main(memory: int) -> None:
    """`memory`: bytes of address space."""
    limit_memory(memory)
    import_all()
    # What is imported stays: the garbage collector need not look at it again.
    gc.freeze()
    serve(*take_pipes())


def limit_memory(size: int) -> None:
    """Where the system can. Elsewhere the server looks at how much this process has."""
    if sys.platform == 'win32':
        return
    import resource

    for kind in (resource.RLIMIT_AS, resource.RLIMIT_CORE):
        try:
            resource.setrlimit(kind, (size, size) if kind == resource.RLIMIT_AS else (0, 0))
        except (OSError, ValueError):  # macOS knows it and does not take it
            continue


def import_all() -> None:
    """All at once, of one version: the folder may be updated while this process lives."""
    for floor in FLOORS:
        package = importlib.import_module(f'{(__package__ or "").rpartition(".host")[0]}.{floor}')
        for found in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):
            importlib.import_module(found.name)


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes for ourselves: whatever else prints or reads meets nothing."""
    questions = os.fdopen(os.dup(0), 'rb')
    answers = os.fdopen(os.dup(1), 'wb')
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nothing, number)
    return questions, answers


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Until the server closes its end, or ends."""
    from .answers import Question, answer_question, refusal_of
    from .descriptions import Known
    from .frames import FrameKind, PipeFrame, write_frame

    write_frame(answers, PipeFrame(FrameKind.READY, b''))
    come: queue.SimpleQueue[PipeFrame] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(questions, come), daemon=True).start()

    def ask(class_type: str) -> PipeFrame:
        write_frame(answers, PipeFrame(FrameKind.WANTED, class_type.encode()))
        return come.get()

    known = Known(ask)
    while True:
        frame = come.get()
        if frame.kind is not FrameKind.QUESTION:
            known.hear(frame)
            continue
        try:
            answer = PipeFrame(FrameKind.ANSWER, answer_question(Question.decode(frame.data), known.schemas))
        except BaseException as error:
            answer = PipeFrame(FrameKind.REFUSAL, refusal_of(error).encode())
        write_frame(answers, answer)


def _hear(questions: BinaryIO, come: queue.SimpleQueue[PipeFrame]) -> None:
    """In a thread of its own, so that the end of the server is heard while a text is being read."""
    from .frames import PipeBroken, read_frame

    try:
        while True:
            come.put(read_frame(questions))
    except PipeBroken:
        os._exit(0)


def _as_part_of_package(file: Path) -> None:
    """Runs `main` of this file as a module of `comfy_script`, whatever its folder is called."""
    root = file.parents[2]
    spec = importlib.util.spec_from_file_location(
        'comfy_script', root / '__init__.py', submodule_search_locations=[str(root)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules['comfy_script'] = package
    spec.loader.exec_module(package)
    importlib.import_module('comfy_script.host.reading.child').main(int(sys.argv[1]))


if __name__ == '__main__':
    _as_part_of_package(Path(__file__).resolve())
