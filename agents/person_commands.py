"""What agents can do, on the command line for people: the same functions, the same answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..graph import ComfyScriptError
from ..panel import node_pages
from ..runtime.client.client import Client
from ..runtime.wire.connection import DEFAULT_URL
from . import open_graph, queue_reports, script_sources
from .script_checks import check
from .studio import CallingAgent, Permissions, Studio

FOUND = 1
FAILED = 2
STANDARD_INPUT = '-'

Answer = tuple[str, int]
"""What is printed, and the exit code."""


def main(argv: Sequence[str]) -> int:
    """Runs one command; gives the exit code: 0, 1 where a script has errors or a prompt failed, 2 where nothing was
    done."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(encoding='utf-8', errors='backslashreplace')  # type: ignore[union-attr]
    options, unknown = _parser().parse_known_args(list(argv))
    if unknown:
        options.parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    try:
        with _client(options) as client:
            said, code = options.answer(Studio(client, _permissions(options)), options)
    except (ComfyScriptError, OSError, UnicodeDecodeError) as error:
        print(f'comfy_script: {error}', file=sys.stderr)
        return FAILED
    print(said.rstrip('\n'))
    return code


def _client(options: argparse.Namespace) -> Client:
    return Client.of_object_info(options.object_info) if options.object_info else Client(options.server)


def _permissions(options: argparse.Namespace) -> Permissions:
    """Who names a file may upload it."""
    file = getattr(options, 'upload', None)
    return Permissions(upload_from=(file.parent,) if file else ())


def _search(studio: Studio, options: argparse.Namespace) -> Answer:
    return node_pages.search(studio.schemas(), ' '.join(options.text), options.input, options.output), 0


def _describe(studio: Studio, options: argparse.Namespace) -> Answer:
    return node_pages.page(studio.schemas(), options.name), 0


def _models(studio: Studio, options: argparse.Namespace) -> Answer:
    return script_sources.list_models(studio, options.kind, ' '.join(options.text)), 0


def _script(studio: Studio, options: argparse.Namespace) -> Answer:
    return script_sources.script_of(studio, options.source), 0


def _check(studio: Studio, options: argparse.Namespace) -> Answer:
    found = check(_text(options), studio.schemas())
    return found.text(), FOUND if found.errors else 0


def _open(studio: Studio, options: argparse.Namespace) -> Answer:
    return open_graph.open_graph(studio, PERSON), 0


def _apply(studio: Studio, options: argparse.Namespace) -> Answer:
    text = _text(options)
    # Whoever types this has the page before them.
    open_graph.open_script(studio, PERSON)
    said, failed = open_graph.apply_script(studio, PERSON, text)
    return said, FOUND if failed else 0


def _save(studio: Studio, options: argparse.Namespace) -> Answer:
    return script_sources.save_workflow(studio, _text(options), options.name, overwrite=options.overwrite), 0


def _queue(studio: Studio, options: argparse.Namespace) -> Answer:
    if not options.prompt_id:
        return queue_reports.queue_lines(studio), 0
    found = asyncio.run(queue_reports.outcome_of(studio, options.prompt_id, 0))
    return found.text, FOUND if found.failed else 0


def _cancel(studio: Studio, options: argparse.Namespace) -> Answer:
    return queue_reports.cancel_prompt(studio, options.prompt_id), 0


def _upload(studio: Studio, options: argparse.Namespace) -> Answer:
    return script_sources.upload(studio, str(options.upload)), 0


PERSON = CallingAgent('comfyscript')


def _text(options: argparse.Namespace) -> str:
    if options.file == STANDARD_INPUT:
        return sys.stdin.read()
    return Path(options.file).read_text(encoding='utf-8')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m comfy_script')
    commands = parser.add_subparsers(dest='command', required=True)

    def command(name: str, answer: Callable[..., Answer], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, description=about)
        made.add_argument('--server', metavar='URL', default=DEFAULT_URL, help=f'the ComfyUI server ({DEFAULT_URL})')
        made.add_argument('--object-info', type=Path, metavar='FILE', help='a saved /object_info instead of a server')
        made.set_defaults(answer=answer, parser=made)
        return made

    search = command('search', _search, 'Nodes by words and by types, a line each.')
    search.add_argument('text', nargs='*')
    search.add_argument('--input', metavar='TYPE', default='', help='that take it, such as IMAGE')
    search.add_argument('--output', metavar='TYPE', default='', help='that give it')
    command('describe', _describe, 'One node.').add_argument('name', help='in scripts, class type or title')
    models = command('models', _models, 'Names of models, or the choices of an input.')
    models.add_argument('kind', help='a folder, such as loras, or an input, such as KSampler.scheduler')
    models.add_argument('text', nargs='*', help='words in the name')
    about = 'an output (name.png), workflows/NAME, history/PROMPT_ID or templates/PACK/NAME'
    command('script', _script, 'The script of what a server has.').add_argument('source', help=about)
    checked = command('check', _check, 'What is wrong with a script: kind line:column reason. Nothing runs.')
    command('open', _open, 'The graph that is open in the browser, as a script.')
    applied = command('apply', _apply, 'Make the open graph what a script says, as one step of undo.')
    saved = command('save', _save, "A script as a workflow in the server's list.")
    for one in (checked, applied, saved):
        one.add_argument('file', metavar='FILE', help='a script, or - for standard input')
    saved.add_argument('name', help='of the workflow; / for a folder')
    saved.add_argument('--overwrite', action='store_true', help='one of this name that is there')
    queue = command('queue', _queue, 'What runs and waits, or what came of a prompt.')
    queue.add_argument('prompt_id', nargs='?', default='')
    command('cancel', _cancel, 'Take a prompt out of the queue, or interrupt it.').add_argument('prompt_id')
    upload = command('upload', _upload, "A file into the server's input folder.")
    upload.add_argument('upload', type=Path, metavar='FILE')
    return parser
