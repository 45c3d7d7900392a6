"""What a node call in real mode takes and gives: the values themselves, by ComfyUI's rules."""

from __future__ import annotations

import pytest

from .conftest import Child, ChildError

pytestmark = pytest.mark.server


def test_outputs_are_what_nodes_return(real: Child) -> None:
    value = real.run("""
        image = EmptyImage(64, 32, 2)
        latent = EmptyLatentImage(64, 64, 1)
        both = torch.cat([image, image])
        value = [type(image) is torch.Tensor, list(image.shape), type(latent) is dict, list(latent['samples'].shape),
                 list(both.shape)]
    """)
    assert value == [True, [2, 32, 64, 3], True, [1, 4, 8, 8], [4, 32, 64, 3]]


def test_several_outputs_are_a_tuple_and_an_output_node_gives_its_ui(real: Child) -> None:
    value = real.run("""
        three = CheckpointLoaderSimple('tiny.safetensors')
        value = [type(three) is tuple, len(three), saved(EmptyImage(16, 16), 'outputs')]
    """)
    assert value[:2] == [True, 3]
    assert value[2]['ui']['images'][0]['subfolder'] == ''


def test_defaults_enums_and_switches(real: Child) -> None:
    """A required input left out takes the schema's default; True and False choose from enable and disable."""
    value = real.run("""
        from comfy_script.runtime.real import state
        seen = {}
        class Probe:
            @classmethod
            def INPUT_TYPES(cls):
                return {'required': {'n': ('INT', {'default': 7}), 'mode': (['enable', 'disable'],), 's': ('FLOAT',),
                                     'kind': (['a', 'b'],)}, 'optional': {'extra': ('INT', {'default': 5})}}
            RETURN_TYPES = ('INT',)
            FUNCTION = 'run'
            def run(self, **inputs):
                seen.update(inputs)
                return (inputs['n'],)
        import nodes
        nodes.NODE_CLASS_MAPPINGS['ProbeDefaults'] = Probe
        Probed = RealSession().nodes['ProbeDefaults']
        result = Probed(mode=False, s=1, kind=KSampler.sampler_name.euler, extra=None)
        value = [result, seen, type(seen['s']).__name__, type(seen['kind']).__name__]
    """)
    assert value == [7, {'mode': 'disable', 's': 1.0, 'kind': 'euler', 'n': 7}, 'float', 'str']


LISTING = """
    import nodes
    listed = ['one', 'two', 'three']

    class Listing:
        @classmethod
        def INPUT_TYPES(cls):
            return {'required': {'number': (list(listed),), 'own': (['a'],), 'n': ('INT', {'default': 1, 'max': 5})}}

        @classmethod
        def VALIDATE_INPUTS(cls, own):
            return True if own.startswith('a') else f'{own} is not mine'

        RETURN_TYPES = ('STRING',)
        FUNCTION = 'run'

        def run(self, number, own, n):
            return (f'{number} {own} {n}',)

    nodes.NODE_CLASS_MAPPINGS['Listing'] = Listing
    listing = RealSession().nodes['Listing']
    for _ in range(2):
        assert listing('two', 'a') == 'two a 1'
"""


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        ("listing('tow', 'a')", "Listing: input 'number' is 'tow', which is none of its 3 choices.*did you mean 'two'"),
        ("listing(number='five', own='a')", "'five', which is none of its 3 choices: there are 'one', 'two', 'three'"),
        ("listing('two', 'b')", "input 'own' is 'b', which the node refuses: .*b is not mine"),
        ("KSampler(1, 1, 1, 1.0, 'eular', 'normal', 1, 1, {})", "'eular', which is none of its .* 'euler'"),
    ],
)
def test_a_value_that_is_no_choice_is_refused(real: Child, call: str, message: str) -> None:
    with pytest.raises(ChildError, match=message):
        real.run(f'{LISTING}\n    {call}')


def test_what_a_pack_accepts_beyond_its_list_is_taken_and_ranges_are_the_nodes(real: Child) -> None:
    value = real.run(LISTING + """
    value = [listing('two', 'abc'), listing('two', 'a', 99)]
    listed.append('a new file')
    value.append(listing('a new file', 'a'))
    """)
    assert value == ['two abc 1', 'two a 99', 'a new file a 1']


V3_NODES = """
    import nodes
    from comfy_api.latest import io

    class Counted(io.ComfyNode):
        runs = 0

        @classmethod
        def define_schema(cls):
            return io.Schema(
                node_id='Counted', inputs=[io.Int.Input('n', default=3), io.Boolean.Input('change', default=False)],
                outputs=[io.Int.Output(), io.Int.Output()],
            )

        @classmethod
        def execute(cls, n, change):
            if change:
                cls.runs = 0
            Counted.runs += 1
            return io.NodeOutput(n, cls.runs)

    class Shown(io.ComfyNode):
        returned = None

        @classmethod
        def define_schema(cls):
            return io.Schema(node_id='Shown', inputs=[io.Int.Input('n')], outputs=[io.Int.Output()])

        @classmethod
        def execute(cls, n):
            return {
                0: io.NodeOutput(n, ui={'text': ['seen']}), 1: (n,), 2: io.NodeOutput(n, ui={'text': ['more']}),
                3: io.NodeOutput(n, block_execution='no more'),
            }[n]

    nodes.NODE_CLASS_MAPPINGS.update(Counted=Counted, Shown=Shown)
"""


def test_a_v3_node_sees_its_class_as_it_is_now_and_cannot_change_it(real: Child) -> None:
    value = real.run(V3_NODES + """
    counted = RealSession().nodes['Counted']
    value = [counted(), counted(n=5)]
    Counted.runs = 40
    value.append(counted(6))
    try:
        counted(change=True)
    except AttributeError as error:
        value.append(str(error))
    """)
    assert value[:3] == [[3, 0], [5, 1], [6, 40]]
    assert "Cannot modify class attribute 'runs'" in value[3]


V3_TELLS = """
    import threading
    import nodes
    from comfy_api.latest import io

    class Tells(io.ComfyNode):
        kept = []

        @classmethod
        def define_schema(cls):
            return io.Schema(
                node_id='Tells', inputs=[io.Int.Input('deep', default=0)],
                outputs=[io.Int.Output(), io.Custom('LIST').Output()], hidden=[io.Hidden.unique_id],
            )

        @classmethod
        def execute(cls, deep):
            before = cls.hidden.unique_id
            if deep == 1:
                cls.kept.append(cls)
            if deep == 2:
                tells(0)
            if deep == 3:
                raise RuntimeError('no')
            return io.NodeOutput(deep, [before, cls.hidden.unique_id])

    nodes.NODE_CLASS_MAPPINGS['Tells'] = Tells
    tells = RealSession(track=TRACK).nodes['Tells']
"""


@pytest.mark.parametrize('track', [True, False])
def test_a_v3_node_that_is_told_its_id_keeps_it_while_it_runs_and_after(real: Child, track: bool) -> None:
    """Also one that calls itself, one in another thread, one that failed, and a class that somebody keeps."""
    value = real.run(V3_TELLS.replace('TRACK', str(track)) + """
    ids = [tells(deep)[1] for deep in (0, 1, 2, 1, 0)]
    try:
        tells(3)
    except RuntimeError as error:
        failed = error
    thread = threading.Thread(target=lambda: ids.append(tells(2)[1]))
    thread.start()
    thread.join()
    value = [ids, [kept.hidden.unique_id for kept in Tells.kept], Tells.hidden]
    """)
    ids, kept, own = value
    assert all(before == after for before, after in ids)
    numbers = [int(before) for before, _ in ids]
    assert numbers == sorted(set(numbers))
    assert kept == [ids[1][0], ids[3][0]]
    assert own is None


def test_a_v3_node_gets_its_dynamic_inputs_as_the_executor_gives_them(real: Child) -> None:
    """Called, and as a node of a prompt that ComfyUI's executor runs."""
    value = real.run("""
    import nodes
    from comfy_api.latest import io

    if not hasattr(io, 'Autogrow'):
        value = None
    else:
        def class_of(name, output):
            one = io.DynamicCombo.Option('one', [io.Int.Input('n', default=1)])
            template = io.Autogrow.TemplatePrefix(io.Int.Input('value'), prefix='value', min=1, max=5)

            class Grows(io.ComfyNode):
                @classmethod
                def define_schema(cls):
                    return io.Schema(
                        node_id=name, outputs=[io.String.Output()], is_output_node=output,
                        inputs=[
                            io.Autogrow.Input('values', template=template),
                            io.DynamicCombo.Input('how', options=[one, io.DynamicCombo.Option('two', [])]),
                        ],
                    )

                @classmethod
                def execute(cls, values, how):
                    text = f'{sorted(values.items())} {sorted(how.items())}'
                    return io.NodeOutput(text, ui={'text': [text]} if output else None)

            return Grows

        # An output node is told the prompt, so its calls take the long way.
        nodes.NODE_CLASS_MAPPINGS |= {'Grows': class_of('Grows', False), 'Shows': class_of('Shows', True)}
        session = RealSession()
        grows, shows = session.nodes['Grows'], session.nodes['Shows']
        assert session.plan('Grows').nesting is not None and session.plan('Grows').simple
        value = [shows([1, 2], 'one', how__n=3), shows([1], 'two'), shows([4, 5], 'one', how__n=6)]
        refused = []
        for node in (grows, shows):
            for call in (lambda: node([1], 'twoo'), lambda: node([1], 'on', how__n=3)):
                try:
                    call()
                except TypeError as error:
                    refused.append(str(error))
        # The first of each is looked at, those after it are known.
        for _ in range(2):
            again = [grows([1, 2], 'one', how__n=3), grows({'value0': 1}, 'two'), grows([4, 5], 'one', how__n=6)]
            assert again == value, (again, value)
        loop_result = []
        import execution
        class Server:
            client_id = last_node_id = None
            sockets_metadata = {}
            def send_sync(self, event, data, sid=None):
                if event == 'executed':
                    loop_result.append(data['output']['text'][0])
        for inputs in (
            {'values.value0': 1, 'values.value1': 2, 'how': 'one', 'how.n': 3}, {'values.value0': 1, 'how': 'two'},
            {'values.value0': 4, 'values.value1': 5, 'how': 'one', 'how.n': 6},
        ):
            server = Server()
            sizes = {'lru': 0, 'ram': 0, 'ram_inactive': 0}
            executor = execution.PromptExecutor(server, execution.CacheType.CLASSIC, sizes)
            executor.execute({'1': {'class_type': 'Shows', 'inputs': inputs}}, 'test', {'client_id': 'test'}, ['1'])
        value = [value, loop_result, refused]
    """)
    if value is not None:
        assert value[0] == value[1]
        assert value[0][0] == "[('value0', 1), ('value1', 2)] [('how', 'one'), ('n', 3)]"
        assert [text.partition(' is ')[2] for text in value[2]] == [
            "'twoo', which is none of its 2 choices (did you mean 'two'?)",
            "'on', which is none of its 2 choices (did you mean 'one'?)",
        ] * 2


@pytest.mark.parametrize('track', [True, False])
def test_whatever_a_v3_node_returns_is_read_as_the_executor_reads_it(real: Child, track: bool) -> None:
    value = real.run(V3_NODES + f"""
    seen = []
    shown = RealSession(track={track}, on_ui=lambda *ui: seen.append(ui[1:])).nodes['Shown']
    results = [shown(n) for n in range(3)]
    value = [results, seen, type(shown(3)).__name__]
    """)
    assert value == [[0, 1, 2], [['Shown', {'text': ['seen']}], ['Shown', {'text': ['more']}]], 'ExecutionBlocker']


def test_what_does_not_fit_is_an_error_that_says_so(real: Child) -> None:
    with pytest.raises(ChildError, match=r"EmptyImage has no input 'widht'.*did you mean 'width'"):
        real.run('EmptyImage(widht=5)')
    with pytest.raises(ChildError, match=r'VAEDecode: required input .samples. .LATENT. is missing'):
        real.run('VAEDecode()')
    with pytest.raises(ChildError, match=r'no node .EmptyImag.*EmptyImage'):
        real.run("node['EmptyImag']()")
    with pytest.raises(ChildError, match="EmptyImage: input 'width' is 'wide', no INT"):
        real.run("EmptyImage('wide')")


def test_none_is_what_a_prompts_link_could_bring(real: Child) -> None:
    """An optional input is not given, a required widget has its default, and a required link brings None."""
    value = real.run("""
        seen = []
        class TakesNone:
            @classmethod
            def INPUT_TYPES(cls):
                return {'required': {'thing': ('THING',), 'n': ('INT', {'default': 7})}, 'optional': {'more': ('INT',)}}
            RETURN_TYPES = ('INT',)
            FUNCTION = 'run'
            def run(self, **inputs):
                seen.append(inputs)
                return (1,)
        import nodes
        nodes.NODE_CLASS_MAPPINGS['TakesNone'] = TakesNone
        takes = RealSession().nodes['TakesNone']
        for _ in range(2):
            takes(None, None, None)
        value = seen
    """)
    assert value == [{'thing': None, 'n': 7}] * 2
    with pytest.raises(ChildError, match=r"KSampler: required input 'steps' is None|'NoneType' object"):
        real.run("KSampler(None, 1, 1, 1.0, 'euler', 'normal', None, None, None)")


def test_an_error_of_inference_mode_says_what_to_do(real: Child) -> None:
    with pytest.raises(ChildError, match='Make this call inside of one, too'):
        real.run("""
            with Workflow():
                vae = VAELoader('tiny_vae.safetensors')
                vae.first_stage_model.requires_grad_(True)
            VAEDecode(EmptyLatentImage(16, 16), vae)
        """)


@pytest.mark.parametrize('call', [
    "KSampler(model, 1, 3000, 1.0, 'euler', 'normal', text, text, EmptyLatentImage(16, 16))",
    'TestSleep(1, 20.0)',
])  # fmt: skip
def test_ctrl_c_ends_a_call_and_the_next_one_works(real: Child, call: str) -> None:
    value = real.run(f"""
        import _thread, threading
        with Workflow():
            model, clip, vae = CheckpointLoaderSimple('tiny.safetensors')
            text = CLIPTextEncode('a', clip)
        timer = threading.Timer(0.3, _thread.interrupt_main)
        timer.start()
        try:
            with Workflow():
                {call}
        except KeyboardInterrupt:
            value = ['stopped']
        value += [torch.is_inference_mode_enabled(), TestSleep(EmptyImage(8, 8), 0.01).shape[1]]
    """)
    assert value == ['stopped', False, 8]


def test_an_error_of_a_node_is_the_nodes_own(real: Child) -> None:
    with pytest.raises(ChildError) as raised:
        real.run('VAEDecode({"samples": 1}, CheckpointLoaderSimple("tiny.safetensors")[2])')
    assert raised.value.kind == 'AttributeError'
    assert '<test>' in str(raised.value)


def test_list_outputs_are_mapped_over(real: Child) -> None:
    value = real.run("""
        batches = RebatchImages(EmptyImage(16, 16, 5), 2)
        inverted = ImageInvert(batches)
        value = [isinstance(batches, list), [len(b) for b in batches], type(inverted).__name__, len(inverted),
                 len(inverted[:2]), type(inverted[:2]).__name__, type(inverted[0]) is torch.Tensor,
                 float(inverted[0].min()), float(ImageInvert(inverted[0]).max())]
    """)
    assert value == [True, [2, 2, 1], 'ValueList', 3, 2, 'ValueList', True, 1.0, 0.0]


def test_lists_that_a_user_makes(real: Child) -> None:
    """A plain list is one value, as a conditioning is; a ValueList is one run per entry."""
    value = real.run("""
        images = ValueList([EmptyImage(8, 8, 1), EmptyImage(16, 8, 1)])
        value = [list(image.shape) for image in ImageInvert(images)]
        value.append([list(i.shape) for i in RebatchImages(ValueList([EmptyImage(8, 8, 3)]), ValueList([2]))])
    """)
    assert value == [[1, 8, 8, 3], [1, 8, 16, 3], [[2, 8, 8, 3], [1, 8, 8, 3]]]


def test_async_nodes_give_their_value(real: Child) -> None:
    assert real.run('value = TestSleep(EmptyImage(8, 8), 0.01).shape[1]') == 8


def test_async_nodes_inside_a_running_loop(real: Child) -> None:
    """As in a notebook: an event loop runs in this thread, and goes on running afterwards."""
    value = real.run("""
        import asyncio
        async def main():
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            first = TestSleep(EmptyImage(8, 8), 0.01).shape[1]
            await asyncio.sleep(0)
            return [first, asyncio.get_running_loop() is loop, asyncio.current_task() is task]
        value = asyncio.run(main())
    """)
    assert value == [8, True, True]


def test_a_node_may_call_nodes_while_it_runs(real: Child) -> None:
    value = real.run("""
        class Outer:
            @classmethod
            def INPUT_TYPES(cls):
                return {'required': {'seconds': ('FLOAT',)}}
            RETURN_TYPES = ('IMAGE',)
            FUNCTION = 'run'
            async def run(self, seconds):
                return (TestSleep(EmptyImage(8, 8), seconds),)
        import nodes
        nodes.NODE_CLASS_MAPPINGS['OuterOfNodes'] = Outer
        value = RealSession().nodes['OuterOfNodes'](0.01).shape[1]
    """)
    assert value == 8


def test_lazy_inputs_are_made_only_if_asked_for(real: Child) -> None:
    value = real.run("""
        made = []
        def image(name, color):
            return Lazy(lambda: made.append(name) or EmptyImage(8, 8, 1, color))
        mask = SolidMask(0.0, 8, 8)
        mixed = TestLazyMixImages(image('one', 0), image('two', 0xffffff), mask)
        half = TestLazyMixImages(image('three', 0), image('four', 0xffffff), SolidMask(0.5, 8, 8))
        plain = ImageInvert(image('five', 0))
        value = [made[:1], sorted(made[1:3]), made[3:], float(mixed.max()), float(half.max()), float(plain.min())]
    """)
    assert value == [['one'], ['four', 'three'], ['five'], 0.0, 0.5, 1.0]


def test_blockers_block(real: Child) -> None:
    value = real.run("""
        import warnings
        from comfy_execution.graph import ExecutionBlocker
        blocked = TestExecutionBlocker(EmptyImage(8, 8), True, False)
        after = ImageInvert(blocked)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            loud = ImageInvert(TestExecutionBlocker(EmptyImage(8, 8), True, True))
        value = [isinstance(after, ExecutionBlocker), isinstance(loud, ExecutionBlocker),
                 [str(w.message) for w in caught]]
        SaveImage(blocked)
    """)
    assert value == [True, True, ['ImageInvert: Execution Blocked: Blocked Execution']]


def test_a_loop_of_nodes(real: Child) -> None:
    """Nodes that look at the graph around them (raw links, DYNPROMPT) find it."""
    value = real.run("""
        white = TestCustomIsChanged(EmptyImage(8, 8, 1, 0xffffff), True)
        flow, remaining, value1, *_ = TestForLoopOpen(3, initial_value1=white)
        average = node['TestVariadicAverage'](input1=EmptyImage(8, 8), _inputs={'input2': value1})
        result, *_ = TestForLoopClose(flow, initial_value1=average)
        value = [float(result.max()), flow == 'stub']
    """)
    assert value == [0.125, True]


def test_progress_bars_and_the_context_belong_to_the_call(real: Child) -> None:
    value = real.run("""
        from comfy_execution.utils import get_executing_context
        import comfy.utils
        seen = []
        before = comfy.utils.PROGRESS_BAR_HOOK
        comfy.utils.set_progress_bar_global_hook(
            lambda value, total, preview, **more: seen.append([value, total, get_executing_context() is not None]))
        try:
            model, clip, vae = CheckpointLoaderSimple('tiny.safetensors')
            text = CLIPTextEncode('a', clip)
            with Workflow():
                KSampler(model, 1, 2, 1.0, 'euler', 'normal', text, text, EmptyLatentImage(16, 16, 1), 1.0)
        finally:
            comfy.utils.set_progress_bar_global_hook(before)
        value = [seen, get_executing_context() is None]
    """)
    assert value == [[[1, 2, True], [2, 2, True]], True]


@pytest.mark.parametrize('call', ['ImageInvert(image)', 'TestSleep(image, 0.01)'])
def test_interruption(real: Child, call: str) -> None:
    with pytest.raises(ChildError) as raised:
        real.run(f"""
            import nodes
            image = EmptyImage(8, 8)
            nodes.interrupt_processing()
            {call}
        """)
    assert raised.value.kind == 'InterruptProcessingException'
    assert real.run('value = ImageInvert(EmptyImage(8, 8)).shape[1]') == 8


def test_hidden_inputs_are_shown_and_given(real: Child) -> None:
    value = real.run("""
        import inspect
        seen = {}
        class Hidden:
            @classmethod
            def INPUT_TYPES(cls):
                return {'required': {'image': ('IMAGE',)}, 'hidden': {
                    'prompt': 'PROMPT', 'extra_pnginfo': 'EXTRA_PNGINFO', 'unique_id': 'UNIQUE_ID',
                    'dynprompt': 'DYNPROMPT', 'token': 'AUTH_TOKEN_COMFY_ORG'}}
            RETURN_TYPES = ()
            OUTPUT_NODE = True
            FUNCTION = 'run'
            def run(self, image, **hidden):
                seen.update(hidden)
                return {}
        import nodes
        nodes.NODE_CLASS_MAPPINGS['HiddenProbe'] = Hidden
        session = RealSession(hidden={'AUTH_TOKEN_COMFY_ORG': 'secret'})
        probe = session.nodes['HiddenProbe']
        probe(session.nodes['EmptyImage'](8, 8), extra_pnginfo={'mine': 1})
        prompt = seen['prompt']
        value = [list(inspect.signature(probe).parameters), sorted(n['class_type'] for n in prompt.values()),
                 seen['unique_id'] in prompt, seen['extra_pnginfo']['mine'], 'workflow' in seen['extra_pnginfo'],
                 seen['dynprompt'].get_node(seen['unique_id'])['class_type'], seen['token']]
    """)
    names, classes, own, mine, workflow, found, token = value
    assert names[:1] == ['image']
    assert {'prompt', 'extra_pnginfo', 'unique_id'} <= set(names)
    assert classes == ['EmptyImage', 'HiddenProbe']
    assert (own, mine, workflow, found, token) == (True, 1, True, 'HiddenProbe', 'secret')


def test_both_ways_through_agree(real: Child) -> None:
    """The short way for plain nodes gives what the executor's own way gives."""
    value = real.run("""
        model, clip, vae = CheckpointLoaderSimple('tiny.safetensors')
        def run(session):
            n = session.nodes
            text = n['CLIPTextEncode']('a', clip)
            empty = n['EmptyLatentImage'](32, 32, 1)
            latent = n['KSampler'](model, 5, 2, 2.0, 'euler', 'normal', text, text, empty, 1.0)
            image = n['VAEDecode'](latent, vae)
            return n['ImageScale'](image, 'bilinear', 16, 16, 'disabled'), session.written(image).prompt
        short, executors = RealSession(), RealSession()
        for name in ('CLIPTextEncode', 'KSampler', 'EmptyLatentImage', 'VAEDecode', 'ImageScale'):
            assert short.plan(name).simple
            executors.plan(name).simple = False
        with Workflow():
            one, one_prompt = run(short)
            two, two_prompt = run(executors)
        value = [torch.equal(one, two), one_prompt == two_prompt, len(one_prompt)]
    """)
    assert value == [True, True, 4]


@pytest.mark.parametrize('options', ['', 'track=False', 'cache=Cache(2**20)', 'validate=True'])
def test_a_node_called_again_with_other_types_takes_them_as_the_first_time(real: Child, options: str) -> None:
    """What a session has learned of one combination of types must not be applied to another."""
    value = real.run(f"""
        seen = []
        class Learned:
            @classmethod
            def INPUT_TYPES(cls):
                return {{'required': {{'image': ('IMAGE',), 's': ('FLOAT',), 'mode': (['enable', 'disable'],)}},
                        'optional': {{'n': ('INT', {{'default': 3}})}}}}
            RETURN_TYPES = ('IMAGE',)
            FUNCTION = 'run'
            def run(self, image, s, mode, n=9):
                seen.append([type(image).__name__, type(s).__name__, mode, n])
                return (image,)
        import nodes
        nodes.NODE_CLASS_MAPPINGS['Learned'] = Learned
        session = RealSession({options})
        learned = session.nodes['Learned']
        image = session.nodes['EmptyImage'](8, 8)
        images = ValueList([image, image])
        for _ in range(3):
            number = 0.5 + len(seen)  # so that a cache has no answer
            learned(image, number, 'enable', 1)
            learned(image, int(number), 'enable', 1)
            learned(image, number, False, 1)
            learned(image, number + 1000, 'disable', None)
            learned(image, s=number + 2000, mode='disable')
            learned(mode='enable', s=number + 3000, image=image)
            learned(images, number + 4000, 'enable', 1)
        value = seen
    """)
    tensor, images = ['Tensor', 'float'], [['Tensor', 'float', 'enable', 1]] * 2
    once = [[*tensor, 'enable', 1], [*tensor, 'enable', 1], [*tensor, 'disable', 1], [*tensor, 'disable', 9]]
    assert value == [*once, [*tensor, 'disable', 9], [*tensor, 'enable', 9], *images] * 3


def test_each_entry_of_a_list_is_checked_where_calls_are(real: Child) -> None:
    value = real.run("""
        n = RealSession(validate=True).nodes
        batches = n['RebatchImages'](n['EmptyImage'](8, 8, 4), 1)
        mixed = ValueList([n['EmptyImage'](8, 8), n['EmptyLatentImage'](16, 16)])
        value = [len(n['ImageInvert'](batches[:1] + batches[2:3])), len(n['EmptyImage'](ValueList([8, 16])))]
        for call in (lambda: n['EmptyImage'](ValueList([8, 8, 99999999])), lambda: n['ImageInvert'](mixed),
                     lambda: n['LoadImage'](ValueList(['../../a.png', '../../b.png']))):
            try:
                call()
            except NodeRefusedError as error:
                value.append(str(error).splitlines()[0])
    """)
    assert value[:2] == [2, 2]
    assert [text.split(':')[0] for text in value[2:]] == ['EmptyImage', 'ImageInvert', 'LoadImage']


def test_a_node_called_again_follows_what_it_is_given(real: Child) -> None:
    value = real.run("""
        session = RealSession()
        n = session.nodes
        value = []
        for width in (8, 16, 24):
            image = n['ImageScale'](n['EmptyImage'](width, 8), 'bilinear', 4, 4, 'disabled')
            latent = n['EmptyLatentImage'](16, 16, 1)
            latent = n['LatentUpscale'](latent, 'bilinear', 32, 32, 'disabled')
            changed = n['EmptyLatentImage'](16, 16, 1)
            changed['batch_index'] = [0]
            changed = n['LatentUpscale'](changed, 'bilinear', 32, 32, 'disabled')
            written = session.written(image, latent, changed)
            value.append([len(written.prompt), len(written.notes), max(
                node['inputs'].get('width', 0) for node in written.prompt.values() if node['class_type'] == 'EmptyImage'
            )])
    """)
    assert value == [[5, 1, 8], [5, 1, 16], [5, 1, 24]]


def test_untracked_calls_give_the_same(real: Child) -> None:
    value = real.run("""
        n = RealSession(track=False).nodes
        images = [n['EmptyImage'](8, 8, 1), n['EmptyImage'](8, 8, 1), n['EmptyImage'](8, height=8)]
        lists = n['RebatchImages'](n['EmptyImage'](8, 8, 3), 2)
        loop = n['TestForLoopOpen'](0)[1]
        given = n['SaveImage'](images[0], 'x')
        value = [[list(i.shape) for i in images], [len(i) for i in lists], isinstance(given, (dict, torch.Tensor))]
    """)
    assert value == [[[1, 8, 8, 3]] * 3, [2, 1], True]
