"""What is marked in the script while it is typed, and what the buttons say that they do."""

from __future__ import annotations

import pytest

from comfy_script.tests.js.conftest import Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_a_link_of_a_wrong_type_is_marked_with_both_types(panel: Panel) -> None:
    panel.edit('VAEDecode(latent, vae)', 'VAEDecode(vae, vae)')
    panel.wait_for_state('samples takes LATENT, not VAE')
    panel.shows('.cm-lintRange-warning', 'vae')


def test_the_mark_is_on_the_arguments_own_line(panel: Panel) -> None:
    panel.edit('steps=2', 'steps=-2')
    panel.wait_for_state('steps is 1 at least')
    panel.shows('.cm-lintRange-warning', '-2')
    panel.edit('steps=-2', 'stepz=2')
    panel.wait_for_state("has no input 'stepz'")
    panel.shows('.cm-lintRange-error', 'stepz')


def test_neither_cursor_nor_selection_hides_the_changed_mark(panel: Panel) -> None:
    panel.edit('64, batch_size', '72, batch_size')
    panel.wait_for_state('1 value')
    line = panel.page.locator('#cs-script .cs-line-changed')
    edge = 'one => getComputedStyle(one).boxShadow'
    before = line.evaluate(edge)
    line.click()
    panel.settle()
    assert line.evaluate(edge) == before
    panel.js('app.canvas.deselectAll(); app.canvas.selectNode(app.graph.getNodeById(3))')
    panel.settle()
    panel.js('app.canvas.deselectAll(); app.canvas.selectNode(app.graph.getNodeById(5))')
    panel.page.wait_for_selector('#cs-script .cs-line-changed.cs-line-selected')
    assert line.evaluate(edge) == before != 'none'


def test_a_seed_that_is_drawn_is_applied(panel: Panel) -> None:
    panel.edit('seed=1', 'seed=random.randint(2, 1000000)')
    panel.edit('model, clip', 'import random\nmodel, clip')
    panel.apply('1 value')
    assert 2 <= panel.widget(3, 'seed') <= 1_000_000
    assert 'random.randint' in panel.text()
    assert 'Not applied' not in panel.state()


def test_a_new_node_between_two_counts_as_a_person_would(panel: Panel) -> None:
    panel.edit('SaveImage(image', 'image = ImageInvert(image)\nSaveImage(image')
    panel.wait_for_state('1 new node, 1 link')


def test_run_beside_another_script_says_what_runs(panel: Panel) -> None:
    panel.page.get_by_role('tab', name='Outputs').click()
    panel.button('Run the graph').wait_for()
    panel.page.get_by_role('tab', name='Script').click()
    panel.button('Run').wait_for()


def test_all_that_an_unedited_graph_could_not_run_with_is_told_at_once_each_with_a_fix(panel: Panel) -> None:
    right = {name: panel.widget(3, name) for name in ('steps', 'cfg', 'sampler_name')}
    model = panel.widget(4, 'ckpt_name')
    workflow = panel.graph()
    (sampler,) = (node for node in workflow['nodes'] if node['id'] == 3)
    (loader,) = (node for node in workflow['nodes'] if node['id'] == 4)
    sampler['widgets_values'][2:5] = [0, 500, 'eulr']
    loader['widgets_values'] = [model.replace('.', '_.')]
    panel.load(workflow)

    panel.wait_for_state('4 problems')
    assert panel.page.locator('.cs-dot-same').count() == 0
    # Nobody has typed anything.
    assert panel.button('Apply').count() == 0
    marked = panel.page.locator('.cm-lintRange-warning')
    wrong = {f'{loader["widgets_values"][0]!r}', '0', '500', "'eulr'"}
    panel.until(lambda: set(marked.all_inner_texts()) == wrong)
    for left in (3, 2, 1, 0):
        marked.first.hover()
        panel.page.click('.cm-diagnosticAction')
        panel.page.wait_for_function(
            "left => document.querySelectorAll('.cm-lintRange-warning').length === left", arg=left
        )
    panel.apply('4 values')
    panel.until(lambda: panel.page.locator('.cs-dot-same').count() == 1)
    assert panel.widget(4, 'ckpt_name') == model
    assert [panel.widget(3, name) for name in ('steps', 'sampler_name')] == [1, right['sampler_name']]
    assert panel.widget(3, 'cfg') == 100


def test_where_the_graph_has_a_problem_an_edit_still_says_what_it_changes(panel: Panel) -> None:
    model = panel.widget(4, 'ckpt_name')
    workflow = panel.graph()
    (loader,) = (node for node in workflow['nodes'] if node['id'] == 4)
    loader['widgets_values'] = ['nope' + model]
    panel.load(workflow)
    panel.wait_for_state('Matches the graph, 1 problem')

    panel.edit('cfg=8', 'cfg=7')
    panel.wait_for_state('1 value · 1 problem')
    # It was there before: its line is marked.
    assert 'ckpt_name' not in panel.state()
    panel.edit('SaveImage(image', 'image = ImageInvert(image)\nSaveImage(image')
    panel.wait_for_state('1 new node, 1 value, 1 link · 1 problem')
    # What the edit has brought is told in words.
    panel.edit('cfg=7', 'cfg=500')
    panel.wait_for_state('1 new node, 1 value, 1 link · 2 problems')
    assert 'cfg is 100.0 at most' in panel.state()
    assert 'ckpt_name' not in panel.state()
    panel.edit('cfg=500', 'cfg=7')
    panel.apply('1 new node, 1 value, 1 link · 1 problem')
