"""Every file of the package in one line: the list at the end of docs/architecture.md, made of the files' docstrings.

`python -m comfy_script.tests.dev.file_list` writes it anew.
"""

from __future__ import annotations

# --8<--
import ast
from pathlib import Path

ROOMS = ('graph', 'comfyui', 'transpiler', 'interpreter', 'runtime', 'nodes', 'panel', 'host', 'agents', 'ui', 'client')
HEADING = '## Every file\n\n'


def listing(root: Path) -> str:
    """A table for each folder, in the order of the floors."""
    tables: list[str] = []
    for room in ROOMS:
        folders = sorted({file.parent for file in (root / room).rglob('*.py')}, key=lambda folder: folder.as_posix())
        tables += [_table(root, folder) for folder in folders]
    return '\n\n'.join(table for table in tables if table)


def _table(root: Path, folder: Path) -> str:
    files = sorted(file for file in folder.glob('*.py') if file.name != '__init__.py')
    if not files:
        return ''
    name = folder.relative_to(root).as_posix()
    about = first_line(folder / '__init__.py') if (folder / '__init__.py').is_file() else ''
    lines = [f'| `{name}/` | {about} |', '| --- | --- |']
    return '\n'.join([*lines, *(f'| `{file.name}` | {first_line(file)} |' for file in files)])


def first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding='utf-8'))) or ''
    # A sentence may go over two lines.
    return ' '.join(text.partition('\n\n')[0].split()).replace('|', '\\|')


# --8<--


def main() -> None:
    from comfy_script.tests.lab.paths import ROOT

    page = ROOT / 'docs' / 'architecture.md'
    text = page.read_text(encoding='utf-8')
    page.write_text(text.partition(HEADING)[0] + HEADING + listing(ROOT) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
