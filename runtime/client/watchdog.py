"""Runs ComfyUI's main.py inside a child process that ends with its parent, however the parent ends.

Started by `launch.py` as a file of its own, with ComfyUI's Python, where this package may not be installed: standard
library only, no imports from here. The parent holds the other end of our standard input; when it is gone, so are we.
Arguments: the parent's process id, the path of main.py, and what main.py shall see.
"""

import sys

if __name__ == '__main__':
    # A script's own folder is searched first, and the modules in this one are none that ComfyUI asks for.
    sys.path.pop(0)

import importlib.abc
import importlib.util
import os
import runpy
import signal
import threading
import time

GRACE = 10.0
POLL = 1.0

ending = threading.Lock()


def main():
    parent, script = int(sys.argv[1]), os.path.abspath(sys.argv[2])
    pipe = os.dup(0)
    # Nodes that start programs must not hand them the pipe as a terminal to read from.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=wait_for_end, args=(pipe,), name='comfy_script parent', daemon=True).start()
    if os.name == 'posix':
        threading.Thread(target=watch_parent, args=(parent,), name='comfy_script parent id', daemon=True).start()
        # What ends ComfyUI may be blocked where we were started (in Ray's workers), or ignored (behind a shell's `&`).
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [script, *sys.argv[3:]]
    sys.path.insert(0, os.path.dirname(script))
    sys.meta_path.insert(0, SaveNumbers())
    runpy.run_path(script, run_name='__main__')


class SaveNumbers(importlib.abc.MetaPathFinder):
    """Has savers claim the numbers of their files, as soon as ComfyUI has imported what counts them."""

    def find_spec(self, fullname, path, target=None):
        if fullname != 'folder_paths':
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_claim(module):
                execute(module)
                load_beside('comfyui', 'save_numbers').claim_numbers(module)

            spec.loader.exec_module = execute_and_claim
        return spec


def load_beside(folder, name):
    """A file of this package that imports nothing of it."""
    file = os.path.join(os.path.dirname(__file__), '..', '..', folder, name + '.py')
    spec = importlib.util.spec_from_file_location('comfy_script_' + name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait_for_end(pipe):
    """The read returns when the parent asks us to end, and when it is gone."""
    try:
        os.read(pipe, 1)
    except OSError:
        pass
    end()


def watch_parent(parent):
    """A fork of the parent would keep the pipe open; its process id tells all the same."""
    while os.getppid() == parent:
        time.sleep(POLL)
    end()


def end():
    """End as on Ctrl+C, which lets ComfyUI remove its temporary files; or at once where that takes too long."""
    if not ending.acquire(blocking=False):
        return  # a second Ctrl+C would break that off
    main_thread = threading.main_thread().ident
    if sys.platform != 'win32' and main_thread is not None:
        # To the main thread itself: only that wakes it up where it waits for requests.
        signal.pthread_kill(main_thread, signal.SIGINT)
    else:
        import _thread

        _thread.interrupt_main()
    time.sleep(GRACE)
    os._exit(1)


if __name__ == '__main__':
    main()
