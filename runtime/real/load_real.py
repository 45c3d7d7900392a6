"""`load()` of real mode."""

from __future__ import annotations

import logging
import os
from collections.abc import MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...comfyui.checkout import ComfyUIArgs, missing_packs, only_packs
from ...comfyui.loaded import is_comfyui_loaded
from ...graph.redaction import redact
from ..calls.sites import find_source
from ..wire.html import in_notebook
from ..wire.notebook_errors import hide_own_frames
from . import state
from .errors import HostError
from .host import Host
from .old_config import RealModeConfig
from .session import RealSession
from .shown_images import show_images
from .start import find_comfyui, start, unchanged_logging

log = logging.getLogger('comfy_script')


def load(
    comfyui: str | os.PathLike[str] | None = None,
    args: ComfyUIArgs | Sequence[str] | None = None,
    vars: MutableMapping[str, Any] | None = None,
    naked: bool = False,
    config: RealModeConfig | None = None,
    *,
    no_server: bool = True,
    track_workflow: bool = True,
    save_source: bool = True,
    api_key: str | None = None,
    stubs: bool | str | os.PathLike[str] = True,
    packs: Sequence[str] | None = None,
    watch: bool | None = None,
) -> Host:
    """Have ComfyUI in this process; its nodes then are in `comfy_script.runtime.real.nodes`.

    Inside a running ComfyUI (its server, or after an earlier `load()`) it adopts what is there; values that an
    earlier `load()`'s nodes gave stay known.

    - `comfyui`: ComfyUI's folder. Without it: `$COMFYUI_PATH`, the ComfyUI that this pack is installed in, the
      current folder and those around it.
    - `args`: command line arguments for ComfyUI.
    - `vars`: a dict that gets the nodes, `globals()` for example.
    - `naked`: nodes are ComfyUI's classes themselves; no code of ours runs after this, except `Workflow()`.
    - `config`: of comfy-script 0.6: naked mode and `track_workflow`. Raises TypeError for what else is off in it.
    - `no_server`: False also starts ComfyUI's server, in a background thread.
    - `track_workflow`: False follows no values: images are saved without workflow and script.
    - `save_source`: False keeps the text of your script (or cell) out of the images that ComfyUI's own nodes save.
    - `api_key`: the key that API nodes get (`API_KEY_COMFY_ORG`).
    - `stubs`: False writes no type stubs; a folder writes them there.
    - `packs`: only these packs are loaded, by the names of their folders in `custom_nodes`; `[]` for none.
    - `watch`: False shows no images in notebooks.

    Raises HostError.
    """
    if config is not None:
        naked = config.is_naked or naked
        track_workflow = config.track_workflow and track_workflow
    own_process = not is_comfyui_loaded() or state.is_own_process()
    arguments = args if isinstance(args, ComfyUIArgs) else ComfyUIArgs(*map(str, args or ()))
    if packs is not None:
        arguments = _with_packs(comfyui, arguments, packs)
    with unchanged_logging():
        host = start(comfyui, arguments.to_argv(), no_server)
        if naked:
            state.set_naked(host)
        else:
            keys = {} if api_key is None else {'API_KEY_COMFY_ORG': api_key}
            session = RealSession(
                host=host,
                track=track_workflow,
                hidden=keys,
                earlier=state.session_or_none(),
                find_source=partial(_source, tuple(keys.values())) if save_source and own_process else None,
            )
            state.set_session(session, own_process)
            hide_own_frames()
            if watch is not False and own_process and in_notebook():
                session.on_ui = show_images
            if stubs is not False and own_process:
                _write_stubs(session, None if stubs is True else Path(stubs))
        if vars is not None:
            vars.update({name: state.find(name) for name in state.public_names()})
    return host


def _source(secrets: tuple[str, ...]) -> str | None:
    text = find_source()
    return redact(text, secrets) if text else None


def _with_packs(comfyui: str | os.PathLike[str] | None, arguments: ComfyUIArgs, packs: Sequence[str]) -> ComfyUIArgs:
    """Raises HostError for a pack that is not there."""
    names = [packs] if isinstance(packs, str) else list(packs)
    if not is_comfyui_loaded():
        missing = missing_packs(find_comfyui(comfyui), arguments, names)
        if missing is not None:
            raise HostError(missing)
    return ComfyUIArgs(*arguments.argv, *only_packs(names))


def _write_stubs(session: RealSession, folder: Path | None) -> None:
    """Stubs are a help for editors: that they cannot be written is no reason not to run."""
    try:
        from ..calls import stubs

        stubs.refresh(session.schemas, session.host.embeddings, folder, stubs.REAL)
    except Exception as error:
        log.warning('The type stubs could not be written: %s', error)
