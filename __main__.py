"""`python -m comfy_script COMMAND …`: each floor has its own, loaded when they are asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

COMMANDS = {
    'transpile': ('transpiler.cli', 'a workflow, or an output of ComfyUI, as a script'),
    'prompt': ('transpiler.cli', 'a workflow as the API prompt that the browser would send'),
    'show': ('transpiler.cli', 'the script stored in an output of ComfyUI'),
    'run': ('runtime.commands', 'run a script on a server'),
    'stubs': ('runtime.commands', "type stubs of a server's nodes, for editors"),
    'api': ('runtime.commands', 'a script as an API prompt'),
    'search': ('agents.person_commands', 'nodes of a server by words and types'),
    'describe': ('agents.person_commands', 'a node: an example, inputs, choices, what connects to it'),
    'models': ('agents.person_commands', 'the names of models, or the choices of an input'),
    'script': ('agents.person_commands', "the script of a server's output, workflow, template or history entry"),
    'check': ('agents.person_commands', 'errors and warnings of a script, with their lines'),
    'open': ('agents.person_commands', 'the script of the graph that is open in the browser'),
    'apply': ('agents.person_commands', 'make the open graph what a script says'),
    'save': ('agents.person_commands', "a script as a laid out workflow in a server's list"),
    'queue': ('agents.person_commands', 'what runs and waits, or what came of a prompt'),
    'cancel': ('agents.person_commands', 'take a prompt out of the queue, or interrupt it'),
    'upload': ('agents.person_commands', "a file into a server's input folder"),
    'mcp': ('agents.mcp_command', 'a Model Context Protocol server: agents write, check and run scripts'),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code. It ends in silence when nobody reads on (`… --help | head -1`)."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would fail again at Python's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not Path(__file__).with_name('__init__.py').is_file():
        # Uninstalling comfy-script took the files that both had.
        print(f'ComfyScript in {Path(__file__).parent} is not complete: install it again.', file=sys.stderr)
        return 1
    if not arguments or arguments[0] in ('-h', '--help', 'help'):
        print(_help())
        return 0 if arguments else 2
    if arguments[0] in ('-V', '--version', 'version'):
        print(import_module(_package()).__version__)
        return 0
    if arguments[0] not in COMMANDS:
        print(f'comfy_script: no command {arguments[0]!r}\n\n{_help()}', file=sys.stderr)
        return 2
    name, _ = COMMANDS[arguments[0]]
    module = import_module(f'{_package()}.{name}')
    return module.main(arguments, started) if name == 'transpiler.cli' else module.main(arguments)


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """The address of the ComfyUI of a folder, which runs on the CPU for as long as it is needed."""
    launch = import_module(f'{_package()}.runtime.client.launch')
    run_sync = import_module(f'{_package()}.runtime.wire.background').run_sync
    server = run_sync(launch.launch(folder, launch.ComfyUIArgs('--cpu', '--disable-auto-launch')))
    try:
        yield server.url
    finally:
        server.stop()


def _package() -> str:
    """`comfy_script`, also where this file is run from a folder of another name."""
    if __package__:
        return __package__
    sys.path[:] = [entry for entry in sys.path if Path(entry or '.').resolve() != Path(__file__).parent.resolve()]
    spec = import_module('importlib.util').spec_from_file_location(
        'comfy_script',
        Path(__file__).parent / '__init__.py',
        submodule_search_locations=[str(Path(__file__).parent)],
    )
    package = import_module('importlib.util').module_from_spec(spec)
    sys.modules['comfy_script'] = package
    spec.loader.exec_module(package)
    return 'comfy_script'


def _help() -> str:
    lines = ['usage: python -m comfy_script COMMAND …', '']
    lines += [f'  {name:<10} {about}' for name, (_, about) in COMMANDS.items()]
    return '\n'.join([*lines, '', 'python -m comfy_script COMMAND --help tells more.'])


if __name__ == '__main__':
    sys.exit(main())
