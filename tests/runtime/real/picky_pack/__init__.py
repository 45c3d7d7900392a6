"""A pack that, like many, expects ComfyUI around it while it is imported."""

import asyncio
import signal
import sys
import threading

import execution
import folder_paths
import server
from comfy_api.latest import ComfyExtension, io

import nodes

assert threading.current_thread() is threading.main_thread()
assert sys.argv[0].endswith('main.py')
assert asyncio.get_running_loop() is server.PromptServer.instance.loop
assert hasattr(nodes, 'NODE_CLASS_MAPPINGS')
assert hasattr(execution, 'PromptExecutor')
assert folder_paths.get_output_directory()
signal.signal(signal.SIGINT, lambda *_: None)


@server.PromptServer.instance.routes.get('/picky')
async def answer(request):
    return None


class PickyAboutLoops:
    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {}}

    RETURN_TYPES = ('INT',)
    FUNCTION = 'run'

    async def run(self):
        await asyncio.sleep(0)
        return (1,)


class PickyLate(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id='PickyLate', inputs=[io.Int.Input('n')], outputs=[io.Int.Output()])

    @classmethod
    def execute(cls, n):
        return io.NodeOutput(n)


class Extension(ComfyExtension):
    async def get_node_list(self):
        await asyncio.sleep(0.01)
        return [PickyLate]


NODE_CLASS_MAPPINGS = {'PickyAboutLoops': PickyAboutLoops, 'PickyLate': PickyLate}
