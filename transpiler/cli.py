"""The commands `transpile`, `prompt` and `show`."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..graph import ComfyScriptError, Schemas, is_link, is_object_info
from .errors import TranspileError

if TYPE_CHECKING:
    from .files import Metadata

_TEXTS_AND_PICTURES = ('.json', '.png', '.apng', '.webp', '.jpg', '.jpeg', '.svg', '.glb', '.latent', '.safetensors')
_SOUNDS_AND_FILMS = ('.flac', '.mp3', '.opus', '.ogg', '.mp4', '.mov', '.m4v', '.webm', '.mkv')
SUFFIXES = frozenset({*_TEXTS_AND_PICTURES, *_SOUNDS_AND_FILMS})
LARGEST_SCHEMAS = 512 << 20
FAILED = 2
STANDARD_INPUT = Path('-')


@dataclass(frozen=True)
class _Result:
    text: str
    warnings: tuple[str, ...] = ()


_Work = Callable[[Path], _Result]


Started = Callable[[Path], AbstractContextManager[str]]
"""Starts the ComfyUI of a folder; gives its address, for as long as it is needed."""


def main(argv: Sequence[str], started: Started | None = None) -> int:
    """Runs `transpile`, `prompt` or `show`; gives the exit code: 0, or 2 where anything failed.

    `started` serves `--comfyui`: a server can be started by what stands above this floor alone (`__main__.py`).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding='utf-8', errors='backslashreplace')
    options, unknown = _parser().parse_known_args(argv)
    if unknown:
        options.parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    try:
        files = list(_files(options.files))
        work = {'transpile': _transpile, 'prompt': _prompt, 'show': _show}[options.command](options, started)
        if files == [STANDARD_INPUT]:
            with _from_standard_input() as file:
                return _one(file, work, options.output, 'standard input')
        if STANDARD_INPUT in files:
            raise TranspileError('- is standard input, and one file: it goes with no others')
        if len(files) == 1 and files[0] == options.files[0]:
            return _one(files[0], work, options.output, str(files[0]))
        return _several(files, work, options)
    except (ComfyScriptError, OSError, ValueError) as error:
        print(f'comfy_script: {_described(error)}', file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m comfy_script')
    commands = parser.add_subparsers(dest='command', required=True)
    transpile = _command(commands, 'transpile', 'Write workflows, or outputs of ComfyUI, as scripts.', '.py')
    _add_schema_options(transpile)
    transpile.add_argument(
        '--style',
        choices=('auto', 'positional', 'keyword'),
        default='auto',
        help='auto: two inputs by position, the others by keyword (default)',
    )
    transpile.add_argument('--end-node', action='append', metavar='ID', help='only what this node needs (repeatable)')
    transpile.add_argument('--notes', action='store_true', help="the workflow's notes as comments")
    transpile.add_argument('--flat', action='store_true', help='subgraphs in place instead of as functions')
    transpile.add_argument('--runtime', action='store_true', help='a file that runs as it is')
    prompt = _command(commands, 'prompt', 'Convert workflows to API prompts, as the browser does.', '.json')
    _add_schema_options(prompt)
    _command(commands, 'show', 'Print the script stored in an output of ComfyUI.', '.py')
    return parser


def _command(commands: Any, name: str, about: str, suffix: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, description=about, help=about)
    parser.set_defaults(suffix=suffix, parser=parser)
    parser.add_argument('files', nargs='+', type=Path, metavar='FILE', help='a file, a folder, or - for standard input')
    parser.add_argument('-o', '--output', type=Path, metavar='OUT', help='a file, or a folder for several files')
    return parser


def _add_schema_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--server', metavar='URL', help='the ComfyUI server that knows the nodes')
    source.add_argument('--object-info', type=Path, metavar='FILE', help='what its /object_info gives, saved')
    source.add_argument('--comfyui', type=Path, metavar='PATH', help='a ComfyUI folder: started for as long as needed')


# The commands


def _transpile(options: argparse.Namespace, started: Started | None) -> _Work:
    from .api import transpile_script
    from .writer import Style

    schemas = read_schemas(options, started)
    style = Style(
        args=options.style,
        notes=options.notes,
        functions=not options.flat,
        runtime=options.runtime,
        server=options.server,
    )

    def work(file: Path) -> _Result:
        script = transpile_script(_held(file), schemas=schemas, end_nodes=options.end_node, style=style)
        return _Result(script.text, script.warnings)

    return work


def _prompt(options: argparse.Namespace, started: Started | None) -> _Work:
    from .guess import convert_with_guesses
    from .workflow_file import WorkflowFile

    schemas = read_schemas(options, started)

    def work(file: Path) -> _Result:
        found = _held(file)
        if found.prompt is not None:
            text = json.dumps(found.prompt, indent=2, ensure_ascii=False) + '\n'
            return _Result(text, tuple(_dangling(found.prompt)))
        conversion = convert_with_guesses(WorkflowFile.parse(found.workflow or {}), schemas)[0]
        return _Result(json.dumps(conversion.prompt, indent=2, ensure_ascii=False) + '\n', conversion.warnings)

    return work


def _held(file: Path) -> Metadata:
    """What a file holds, which is more than nothing."""
    from .api import metadata_from

    found = metadata_from(file)
    if not found.prompt and not (found.workflow or {}).get('nodes'):
        raise TranspileError('there is no node in it')
    return found


def _dangling(prompt: Mapping[str, Any]) -> Iterator[str]:
    for key, node in prompt.items():
        inputs = node.get('inputs')
        for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
            if is_link(value) and value[0] not in prompt:
                yield f'node {key}: input {name!r} is linked to node {value[0]!r}, which is not there'


def _show(options: argparse.Namespace, started: Started | None) -> _Work:
    from .files import read_metadata

    def work(file: Path) -> _Result:
        found = read_metadata(file)
        if found.script is None:
            also = ' (but a workflow: transpile writes it as a script)' if found.prompt or found.workflow else ''
            raise TranspileError(f'there is no script in it{also}')
        return _Result(found.script if found.script.endswith('\n') else found.script + '\n')

    return work


# Schemas


def read_schemas(options: argparse.Namespace, started: Started | None = None) -> Schemas:
    """The schemas that the options name; none where they name none."""
    if options.server:
        return Schemas.parse(_fetch(options.server))
    if options.object_info:
        try:
            found = json.loads(options.object_info.read_text(encoding='utf-8-sig'))
        except (ValueError, RecursionError) as error:
            raise TranspileError(f'not readable as JSON: {error}', file=options.object_info) from error
        if not is_object_info(found):
            raise TranspileError('no saved /object_info: it describes no node', file=options.object_info)
        return Schemas.parse(found)
    if options.comfyui:
        if started is None:
            raise TranspileError('--comfyui is for `python -m comfy_script`: give --server or --object-info here')
        with started(options.comfyui) as server:
            return Schemas.parse(_fetch(server))
    return Schemas.parse({})


def _fetch(server: str) -> Any:
    url = (server if '://' in server else f'http://{server}').rstrip('/') + '/object_info'
    if not url.startswith(('http://', 'https://')):
        raise TranspileError(f'{server} is no address of a server')
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.loads(answer.read(LARGEST_SCHEMAS))
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise TranspileError(f'{url} gives no description of nodes: {error}') from error


# Files in, texts out


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob('*') if file.suffix.lower() in SUFFIXES and file.is_file())
        else:
            yield path


@contextmanager
def _from_standard_input() -> Iterator[Path]:
    """What comes in lies in a file meanwhile."""
    with tempfile.NamedTemporaryFile(prefix='comfy_script-', suffix='.txt', delete=False) as file:
        file.write(sys.stdin.buffer.read())
    try:
        yield Path(file.name)
    finally:
        Path(file.name).unlink()


def _one(file: Path, work: _Work, output: Path | None, shown: str) -> int:
    try:
        result = work(file)
    except (ComfyScriptError, OSError) as error:
        if isinstance(error, TranspileError) and shown != str(file):
            raise error.within(shown) from error
        raise _of_file(error, file) from error
    for warning in result.warnings:
        print(f'warning: {shown}: {warning}', file=sys.stderr)
    if output is None:
        sys.stdout.write(result.text)
    else:
        write_whole(output, result.text)
    return 0


def _several(files: Sequence[Path], work: _Work, options: argparse.Namespace) -> int:
    output: Path | None = options.output
    if output is None:
        raise TranspileError('several files need -o FOLDER')
    if not files:
        raise TranspileError('no files there that ComfyUI writes')
    output.mkdir(parents=True, exist_ok=True)
    failed: list[Exception] = []
    warned = 0
    for file, target in _progress(_targets(files, options.files, output, options.suffix)):
        try:
            result = work(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, result.text)
            warned += bool(result.warnings)
        except (ComfyScriptError, OSError) as error:
            failed.append(_of_file(error, file))
    for error in failed:
        print(_described(error), file=sys.stderr)
    counts = f'{len(files) - len(failed)} of {len(files)} written to {output}'
    print(f'{counts}, {warned} with warnings, {len(failed)} failed', file=sys.stderr)
    return FAILED if failed else 0


def _targets(files: Sequence[Path], roots: Sequence[Path], output: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Where each file's text goes: the folder's own tree again; two of one name keep their endings."""
    found: list[tuple[Path, Path]] = []
    taken: set[str] = set()
    for file in files:
        root = next((root for root in roots if root.is_dir() and root in file.parents), file.parent)
        relative = file.relative_to(root)
        target = output / relative.with_suffix(suffix)
        number = 1
        while str(target).lower() in taken:
            name = relative.name if number == 1 else f'{relative.name}-{number}'
            target = output / relative.with_name(name + suffix)
            number += 1
        taken.add(str(target).lower())
        found.append((file, target))
    return found


def _progress(items: Sequence[Any]) -> Iterable[Any]:
    try:
        from tqdm import tqdm
    except ImportError:
        return items
    return tqdm(items, unit='file', disable=not sys.stderr.isatty(), file=sys.stderr)


def write_whole(path: Path, text: str) -> None:
    """Writes a file all at once: whatever goes wrong, the old one or none is there, never half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.', suffix='.part')
    try:
        with open(handle, 'w', encoding='utf-8', newline='\n') as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _of_file(error: Exception, file: Path) -> Exception:
    if isinstance(error, TranspileError):
        return error if error.file else error.within(file)
    if isinstance(error, ComfyScriptError):
        return TranspileError(str(error), file=file)
    return error


def _described(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f'{error.filename}: {error.strerror or error}'
    return str(error)
