"""Compares our conversion with the real web UI's, workflow by workflow, and prints the table.

    python dev.py parity                                   the official templates of the corpus's version
    python dev.py parity --templates 0.1.123 --only video  others, and only those with 'video' in the name
    python dev.py parity --folder FOLDER                   workflow files of your own
    python dev.py parity --rules [--write]                 the rule workflows of tests/data/workflows
    python dev.py parity --web-ui server                   with the web UI that the server brings
    python dev.py parity --object-info FILE                as if the server had these nodes
    python dev.py parity --packs FOLDER --folder FOLDER    with the packs that lie in a folder
    python dev.py parity --packs FOLDER --folder FILE      the same with the cases of a file (`.json.gz`)
    python dev.py parity --open                            what the panel asks of the open graph, instead of the file
    python dev.py parity --open --record FILE              what it asked is kept, for the tests (`.json.gz`)
    python dev.py parity --laid-out                        every node class with changed values, laid out by us
    python dev.py parity --server URL                      with a server that runs already, for --open with ComfyScript

Packs need their dependencies in the interpreter that runs ComfyUI (COMFYSCRIPT_PYTHON: your own).
The truth is made afresh by `app.graphToPrompt()` in Chromium, on the lab's ComfyUI (COMFYSCRIPT_COMFYUI: your own).
Each draw is 0 there; where another draw gives another value (seeds of -1), what its widget holds is compared.
Workflows with node types the server lacks are counted apart: the web UI gives their values no names, we do.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from comfy_script.graph import ComfyScriptError, Schemas, difference
from comfy_script.graph.layout import lay_out
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.browser import find_browser
from comfy_script.tests.lab.server import Server, make_base, remove_base
from comfy_script.tests.parity.compare import differences, same
from comfy_script.tests.parity.laid_out import TOGETHER, lost, prompt_of_all
from comfy_script.tests.parity.packages import (
    CORPUS_TEMPLATES,
    PackageError,
    read_workflows,
    templates_folder,
    web_ui_folder,
)
from comfy_script.tests.parity.queueing import when_queued
from comfy_script.tests.parity.seen import record_of
from comfy_script.tests.parity.web_ui import WebUI, WebUIError, open_web_ui
from comfy_script.transpiler.convert import Conversion, convert_workflow

DATA = paths.ROOT / 'tests' / 'data'
WEB_UI = '1.49.6'
"""The version of `comfyui-frontend-package` whose rules the conversion follows."""

OUTCOMES = ('equal', 'different', 'unknown nodes', 'the web UI failed', 'we failed')

RULES = DATA / 'workflows'
RULES_OBJECT_INFO = DATA / 'workflows_object_info.json'


def main() -> int:
    options = _parser().parse_args()
    browser = find_browser()
    if browser is None:
        return _fail('No Chromium found: install one, or name it in COMFYSCRIPT_CHROMIUM.')
    try:
        own = options.web_ui == 'server'
        arguments = [] if own else ['--front-end-root', str(web_ui_folder(options.web_ui))]
        folder = None if options.rules or options.laid_out else options.folder or templates_folder(options.templates)
    except PackageError as error:
        return _fail(str(error))
    if options.server:
        return _compare_with(options, folder, browser, options.server)
    comfyui = paths.comfyui_folder()
    with tempfile.TemporaryDirectory() as temporary:
        ours = {'ComfyScript': paths.ROOT} if options.open else {}
        base = make_base(Path(temporary) / 'base', comfyui, ours | _packs(options.packs))
        _say_settings(base)
        server = Server.start(comfyui, paths.comfyui_python(), base, args=arguments, timeout=600)
        try:
            return _compare_with(options, folder, browser, server.url)
        finally:
            server.close()
            remove_base(base)


def _compare_with(options: argparse.Namespace, folder: Path | None, browser: Path, url: str) -> int:
    object_info = _object_info(options, url)
    with open_web_ui(url, browser, object_info, options.open) as web_ui:
        return _compare(options, folder, object_info, web_ui)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='dev.py parity', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--templates', metavar='VERSION', default=CORPUS_TEMPLATES)
    parser.add_argument('--folder', type=Path, help='workflow files, or a file of cases, instead of templates')
    parser.add_argument('--rules', action='store_true', help="this project's own small workflows, one per rule")
    parser.add_argument('--write', action='store_true', help='with --rules: store what the web UI makes')
    parser.add_argument('--web-ui', metavar='VERSION', default=WEB_UI, help=f"'server' for its own (default: {WEB_UI})")
    parser.add_argument('--object-info', type=Path, metavar='FILE')
    parser.add_argument('--packs', type=Path, metavar='FOLDER', help='a folder with packs in it')
    parser.add_argument('--server', metavar='URL', help='a server that runs, instead of one of its own')
    parser.add_argument('--open', action='store_true', help='compare what the panel makes of the open graph')
    parser.add_argument('--record', type=Path, metavar='FILE', help='with --open: keep what the panel asked there')
    parser.add_argument('--laid-out', action='store_true', help='open every node class with changed values')
    parser.add_argument('--only', default='', help='only workflows with this in their name')
    parser.add_argument('--limit', type=int, default=None, help='at most so many')
    parser.add_argument('--save', type=Path, metavar='FOLDER', help='keep what the web UI makes there')
    return parser


def _packs(folder: Path | None) -> dict[str, Path]:
    if folder is None:
        return {}
    return {
        pack.name: pack.resolve() for pack in sorted(folder.iterdir()) if pack.is_dir() and pack.name[0] not in '._'
    }


def _say_settings(base: Path) -> None:
    """Use Everywhere adds its links when a prompt is queued, else only where its own setting says so."""
    file = base / 'user' / 'default' / 'comfy.settings.json'
    settings = json.loads(file.read_text(encoding='utf-8'))
    settings['Use Everywhere.Options.always_modify_graph'] = True
    file.write_text(json.dumps(settings), encoding='utf-8')


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _object_info(options: argparse.Namespace, url: str) -> str:
    if options.object_info:
        return options.object_info.read_text(encoding='utf-8')
    if options.rules:
        return RULES_OBJECT_INFO.read_text(encoding='utf-8')
    with urllib.request.urlopen(f'{url}/object_info') as answer:
        return answer.read().decode('utf-8')


def _workflows(options: argparse.Namespace, folder: Path | None) -> Iterator[tuple[str, dict[str, Any]]]:
    if folder is not None:
        yield from read_workflows(folder)
        return
    for file in sorted(RULES.glob('*.json')):
        rule = json.loads(file.read_text(encoding='utf-8'))
        if rule.get('truth') != 'ours':
            yield file.stem, rule['workflow']


def _compare(options: argparse.Namespace, folder: Path | None, object_info: str, web_ui: WebUI) -> int:
    schemas = Schemas.parse(json.loads(object_info))
    if options.laid_out:
        return _open_laid_out(schemas, web_ui)
    found = [item for item in _workflows(options, folder) if options.only in item[0]][: options.limit]
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    print(f'web UI {web_ui.version or "of the server"}, {len(schemas)} node types, {len(found)} workflows')
    records: dict[str, Any] = {}
    for number, (name, workflow) in enumerate(found, 1):
        outcome, lines = _compare_one(options, name, workflow, schemas, web_ui, records)
        counts[outcome] += 1
        if outcome != 'equal':
            print(f'[{number}/{len(found)}] {name}: {outcome}', *lines, sep='\n    ', flush=True)
    print(*(f'{count:5} {outcome}' for outcome, count in counts.items()), sep='\n')
    if options.record:
        options.record.write_bytes(gzip.compress(json.dumps(records, sort_keys=True).encode(), mtime=0))
    return 1 if counts['different'] or counts['we failed'] else 0


def _open_laid_out(schemas: Schemas, web_ui: WebUI) -> int:
    nodes = prompt_of_all(schemas)
    keys = list(nodes)
    pending = [keys[first : first + TOGETHER] for first in range(0, len(keys), TOGETHER)]
    unlike = failed = 0
    while pending:
        some = pending.pop(0)
        prompt = {key: nodes[key] for key in some}
        try:
            seen = web_ui.prompt_of(json.loads(json.dumps(lay_out(prompt, schemas))))
        except WebUIError as error:
            # One of them, whose JavaScript makes no prompt as it is.
            pending[:0] = [some[: len(some) // 2], some[len(some) // 2 :]] if len(some) > 1 else []
            if len(some) == 1:
                failed += 1
                print(f'{nodes[some[0]]["class_type"]}: the web UI failed: {error}', flush=True)
            continue
        for id, name, held in seen.drawn:
            seen.prompt[id]['inputs'][name] = held
        for class_type, values in lost(prompt, seen.prompt).items():
            unlike += 1
            print(f'{class_type}: {str(values)[:200]}', flush=True)
    print(f'{len(keys)} node classes laid out with changed values, {len(keys) - unlike - failed} open as written')
    return 1 if unlike else 0


def _compare_one(
    options: argparse.Namespace,
    name: str,
    workflow: dict[str, Any],
    schemas: Schemas,
    web_ui: WebUI,
    records: dict[str, Any],
) -> tuple[str, list[str]]:
    try:
        seen = web_ui.prompt_of(workflow)
    except WebUIError as error:
        return 'the web UI failed', [str(error)[:200]]
    if seen.failure and not options.open:
        return 'the web UI failed', [seen.failure[:200]]
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        (options.save / f'{name}.json').write_text(json.dumps(seen._asdict(), indent=1, default=str), encoding='utf-8')
    if options.rules and options.write:
        _store(name, seen.prompt)
    if seen.panel is not None:
        records[name] = record_of(seen)
    try:
        made = convert_workflow(workflow if seen.panel is None else seen.panel.request['workflow'], schemas)
        ours, theirs = when_queued(made, seen, schemas)
    except ComfyScriptError as error:
        return 'we failed', [str(error)]
    if seen.panel is not None and (errors := seen.panel.read.get('errors')):
        return 'we failed', [f'its script cannot be read: {errors[0]}']
    unlike = None if seen.panel is None else difference(_with_types(made), seen.panel.read['prompt'])
    if same(ours, theirs) and unlike is not None:
        return 'different', [f'its script, read back: {unlike}']
    if same(ours, theirs):
        return 'equal', []
    unknown = any('class_type' not in node for node in theirs.values())
    lines = list(differences(ours, theirs))
    return 'unknown nodes' if unknown else 'different', [*lines[:5], *(['…'] if len(lines) > 5 else [])]


def _with_types(made: Conversion) -> dict[str, Any]:
    """A script calls nodes by their types, also those that the server has no class for."""
    return {key: {'class_type': made.node_types[key], **node} for key, node in made.prompt.items()}


def _store(name: str, prompt: Mapping[str, Any]) -> None:
    file = RULES / f'{name}.json'
    rule = json.loads(file.read_text(encoding='utf-8'))
    rule['prompt'] = prompt
    file.write_text(json.dumps(rule, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    sys.exit(main())
