"""The commands `run`, `api` and `stubs`."""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ..comfyui.checkout import ComfyUIArgs
from ..graph import ComfyScriptError
from ..graph.printable import printable
from ..transpiler.cli import SUFFIXES as WORKFLOW_FILES
from .calls import stubs
from .calls.sites import is_script
from .client.client import Client
from .client.current import set_default_client
from .client.endings import note_interrupt
from .client.load import load, pin
from .client.workflow import Workflow
from .run import run
from .wire.errors import LoadError, OfflineError
from .wire.live_tasks import Observer
from .wire.submission import Submission
from .wire.task import Task, TaskState
from .wire.tracker import Tracker

__all__ = ['main']

RAISED = 1
FAILED = 2
INTERRUPTED = 130

STANDARD_INPUT = Path('-')


class _ScriptError(Exception):
    """What a script raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def main(argv: Sequence[str]) -> int:
    """Runs `run`, `api` or `stubs`; gives the exit code: 0, 2 where it failed, 1 for an error of the script's own."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(encoding='utf-8', errors='backslashreplace')  # type: ignore[union-attr]
    own, script_arguments = _split(argv)
    options, unknown = _parser().parse_known_args(own)
    if unknown:
        options.parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    options.arguments = [*getattr(options, 'arguments', ()), *script_arguments]
    command = {'run': _run, 'api': _api, 'stubs': _stubs}[options.command]
    try:
        with _from_standard_input(options):
            return command(options)
    except _ScriptError as failed:
        return _tell(failed.error)
    except (ComfyScriptError, OSError) as error:
        print(f'comfy_script: {error}', file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        note_interrupt()
        return INTERRUPTED


@contextlib.contextmanager
def _from_standard_input(options: argparse.Namespace) -> Iterator[None]:
    """What comes in as `-` lies in a file meanwhile."""
    if getattr(options, 'script', None) != STANDARD_INPUT:
        yield
        return
    with NamedTemporaryFile(prefix='comfy_script-', suffix='.txt', delete=False) as file:
        file.write(sys.stdin.buffer.read())
    options.script = Path(file.name)
    try:
        yield
    finally:
        options.script.unlink()


def _tell(error: Exception) -> int:
    """Print what a script raised, with the script's own lines alone; the exit code."""
    lines = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if is_script(frame)]
    if isinstance(error, ComfyScriptError):
        sys.stderr.writelines(traceback.StackSummary.extract(lines).format())
        print(f'comfy_script: {error}', file=sys.stderr)
        return FAILED
    begin = error.__traceback__
    while begin is not None and not is_script(begin.tb_frame):
        begin = begin.tb_next
    traceback.print_exception(type(error), error, begin)
    return RAISED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m comfy_script')
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser(
        'run',
        description='Run a script, whose imports and load() may be missing, or a workflow, a prompt or an output that '
        'holds one, on a server.',
        allow_abbrev=False,
    )
    api = commands.add_parser(
        'api', description='Print what a script would queue, in the API format; nothing runs.', allow_abbrev=False
    )
    stubs = commands.add_parser('stubs', description="Write type stubs of a server's nodes.")
    for command in (run, api):
        held = ', or - for standard input'
        files = 'a Python file, a workflow, a prompt, or an image that holds one' if command is run else 'a Python file'
        command.add_argument('script', type=Path, metavar='FILE', help=files + held)
        about = "the script's own arguments; those that begin with - after --"
        command.add_argument('arguments', nargs='*', metavar='ARG', help=about)
    for command in (run, api, stubs):
        command.set_defaults(parser=command)
        command.add_argument('--server', metavar='URL', help='a running server')
        command.add_argument('--comfyui', type=Path, metavar='FOLDER', help='a ComfyUI folder, which is started')
        command.add_argument('--cpu', action='store_true', help='start ComfyUI with --cpu')
    setting = 'of a workflow: the value of an input, as 3.seed=5, or by title; JSON or a text (repeatable)'
    run.add_argument('--set', action='append', default=[], metavar='NODE.INPUT=VALUE', help=setting)
    run.add_argument('-o', '--output', type=Path, metavar='FOLDER', help='of a workflow: save its results there')
    for command in (api, stubs):
        command.add_argument(
            '--object-info', type=Path, metavar='FILE', help='a saved /object_info instead of a server'
        )
    api.add_argument('--workflow', action='store_true', help="the web UI's format instead of the API format")
    stubs.add_argument('--strict', action='store_true', help='inputs with choices take these alone')
    stubs.add_argument('-o', '--output', type=Path, metavar='FOLDER', help='write nodes.pyi there')
    return parser


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is ours, and what comes after `--`."""
    arguments = list(argv)
    at = arguments.index('--') if '--' in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def _load(options: argparse.Namespace, stubs: Any = False) -> Client:
    file = getattr(options, 'object_info', None)
    if file is not None:
        return load(object_info=file, stubs=stubs)
    arguments = ComfyUIArgs('--cpu') if options.cpu else None
    is_script = 'script' in options and not (options.cpu or _holds_workflow(options.script))
    own = _server_of(options.script) if is_script else None
    return load(options.server or options.comfyui or own, arguments, stubs=stubs)


def _server_of(script: Path) -> str | None:
    """The address that a script gives to `load` itself, as text, in its first call of it."""
    try:
        tree = ast.parse(script.read_bytes())
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'load' and node.args:
            address = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            return address if isinstance(address, str) and '://' in address else None
    return None


def _run(options: argparse.Namespace) -> int:
    _check(options.script)
    if _holds_workflow(options.script):
        return _run_workflow(options)
    if options.set or options.output is not None:
        raise LoadError(f'{options.script} is a script: --set and --output are for workflows, a script has arguments')
    client = _load(options)
    with _pinned(client), _failures(client) as failures:
        with Workflow(queue=False) as rest:
            _execute(options.script, options.arguments, client)
        task = rest.queue(options.script.read_text(encoding='utf-8', errors='replace'))
        if task is not None:
            task.wait()
        client.queue.join()
    return FAILED if failures else 0


def _holds_workflow(file: Path) -> bool:
    """Whether a file is no script: an output of ComfyUI or JSON, whatever its name."""
    with open(file, 'rb') as opened:
        head = opened.read(1 << 12)
    text = head.lstrip(b'\xef\xbb\xbf \t\r\n')
    return file.suffix.lower() != '.py' and (b'\0' in head or text[:1] == b'{' or file.suffix.lower() in WORKFLOW_FILES)


def _run_workflow(options: argparse.Namespace) -> int:
    """Run a workflow, and print the files that it made: their places here with `--output`, else on the server."""
    if options.arguments:
        raise LoadError(f'{options.script} is no script: its inputs are given with --set NODE.INPUT=VALUE')
    changes = dict(map(_setting, options.set))
    client = _load(options)
    with _pinned(client):
        for result in run(options.script, changes, client=client):
            if options.output is not None:
                print(*result.save(options.output), sep='\n')
            else:
                print(*map(printable, map(str, result.files or result.texts)), sep='\n')
    return 0


def _setting(text: str) -> tuple[str, Any]:
    """`3.seed=5` as place and value."""
    place, equals, value = text.partition('=')
    if not equals:
        raise LoadError(f'--set {text}: it is NODE.INPUT=VALUE')
    try:
        return place, json.loads(value)
    except ValueError:
        return place, value


@contextlib.contextmanager
def _failures(client: Client) -> Iterator[list[Task]]:
    """The tasks that meanwhile fail without the script waiting for them; the log tells what happened."""
    found: list[Task] = []

    def on_event(event: str, task: Task, _: Any) -> None:
        if event == 'end' and task.state is TaskState.FAILED and not task.was_waited_for:
            found.append(task)

    observer = Observer(lambda remaining: None, on_event)
    observers = client.tracker.observers
    observers.append(observer)
    try:
        yield found
    finally:
        observers.remove(observer)


def _api(options: argparse.Namespace) -> int:
    _check(options.script)
    recorder = _Recorder(_load(options))
    stopped: OfflineError | None = None
    printed = io.StringIO()
    # Whatever the script loads: nothing runs.
    with _pinned(recorder, always=True), contextlib.redirect_stdout(printed):
        with Workflow(queue=False) as rest:
            try:
                _execute(options.script, options.arguments, recorder)
            except OfflineError as error:
                stopped = error
        try:
            rest.queue()
        except OfflineError as error:
            stopped = error
    sys.stderr.write(printed.getvalue())
    found = [workflow if options.workflow else prompt for prompt, workflow in recorder.queued]
    if stopped is not None:
        print(f'comfy_script: {options.script}: the rest needs a result: {stopped}', file=sys.stderr)
    if not found:
        print(f'comfy_script: {options.script} queues nothing', file=sys.stderr)
        return FAILED
    print(json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=False))
    return 0 if stopped is None else FAILED


def _stubs(options: argparse.Namespace) -> int:
    client = _load(options)
    stubs.refresh(client.schemas, client.embeddings, options.output, strict=options.strict)
    print(stubs.stub_path(options.output))
    return 0


def _check(script: Path) -> None:
    if not script.is_file():
        raise LoadError(f'{script}: there is no such file')


@contextlib.contextmanager
def _pinned(client: Client, always: bool = False) -> Iterator[None]:
    """Meanwhile `load()` in the script is this client; with `always`, any `load(...)` is."""
    pin(client, always=always)
    set_default_client(client)
    try:
        yield
    finally:
        pin(None)


def _execute(script: Path, arguments: Sequence[str], client: Client) -> Mapping[str, Any]:
    """Run the file as a program, with the runtime's names and the nodes there already."""
    from .. import runtime

    names = {name: getattr(runtime, name) for name in runtime.__all__}
    nodes = client.nodes
    names.update({name: nodes.find(name) for name in nodes.public_names()})
    before, sys.argv = sys.argv, [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        return runpy.run_path(str(script), names, '__main__')
    except OfflineError:
        raise
    except Exception as error:
        raise _ScriptError(error) from error
    finally:
        sys.argv = before
        sys.path.remove(str(script.resolve().parent))


class _Recorder(Client):
    """A client that takes workflows and runs none."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.url, schemas=client.schemas)
        self.lists.give(client.schemas, client.embeddings)
        self.queued: list[tuple[Any, Any]] = []

    def _take(self, submission: Submission) -> Task:
        workflow = submission.workflow
        self.queued.append((submission.prompt, workflow() if callable(workflow) else workflow))
        task = Task(Tracker(self.options), f'{len(self.queued)}', {}, id_of=submission.id_of)
        task.was_waited_for = True
        if submission.on_accepted is not None:
            submission.on_accepted(task)
        task.end(TaskState.FAILED, OfflineError('nothing runs here, workflows are only printed'))
        return task

    def submit(
        self,
        prompt: Mapping[str, Any] | Submission,
        *,
        wait: bool = False,
        timeout: float | None = None,
        **options: Any,
    ) -> Task:
        return self._take(Submission.of(prompt, options))

    async def _submit(self, prompt: Mapping[str, Any] | Submission, *, wait: bool = False, **options: Any) -> Task:
        return self._take(Submission.of(prompt, options))

    async def _make_room(self, everything: bool) -> None:
        pass
