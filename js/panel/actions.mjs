// What the buttons, the keys, the menu and ComfyUI's commands do.
import { api, app, asOneStep, keepText, toast, workflowKey, workflowName, writtenText } from './comfy.mjs'
import { applyScript } from './apply_script.mjs'
import { copyText, saveText } from './export.mjs'
import { openGraph, style } from './graph_script.mjs'
import { loaded } from './loading.mjs'
import { openOutline } from './outline.mjs'
import { queueGraph, queueScript, refusedOfGraph } from './queue.mjs'
import { selectedLines } from './selection.mjs'
import * as server from './server.mjs'
import { t } from './text.mjs'
import { replaceWithNode } from './to_node.mjs'

/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */

export class Actions {
  #parts
  /** What ComfyUI said of the nodes of its last run, when it was looked at. */
  #said = app.lastNodeErrors
  /** What of that is shown. @type {ScriptErrorJson[] | undefined} */
  #refused

  /**
   * @param {object} parts
   * @param {import('./state.mjs').State} parts.state
   * @param {import('./editor.mjs').Editor} parts.editor
   * @param {import('./run.mjs').Runs} parts.runs
   * @param {import('./screen.mjs').Screen} parts.screen
   * @param {import('./draft.mjs').Draft} parts.draft
   * @param {import('./graph_script.mjs').GraphScript} parts.graph
   * @param {import('./views.mjs').Views} parts.views
   */
  constructor(parts) {
    this.#parts = parts
  }

  /** @returns {import('./menu.mjs').Item[]} */
  menu() {
    const { state, editor, views, graph } = this.#parts
    return [
      { label: t('download'), icon: 'download', run: () => this.download() },
      { label: t('copyForAgent'), icon: 'comments', run: () => this.copyForAgent() },
      { label: t('toNode'), icon: 'box', run: () => this.toNode() },
      { label: t('newGraph'), icon: 'plus', run: () => this.newGraph() },
      { label: t('compareDraft'), icon: 'arrow-right-arrow-left', run: () => this.compareDraft(), disabled: !state.edited },
      { label: t('writeAnew'), icon: 'eraser', run: () => this.writeAnew(), disabled: writtenText() === undefined },
      { label: t('outline.open'), icon: 'list', run: () => { views.show('script'); openOutline(/** @type {HTMLElement} */ (editor.view.dom.parentElement), editor) } },
      { label: t('search'), icon: 'search', run: () => { views.show('script'); editor.search() } },
      { label: t('refresh'), icon: 'refresh', run: () => graph.changed(true) },
      { label: t('settings'), icon: 'cog', run: () => void app.extensionManager.command.execute('Comfy.ShowSettingsDialog') },
    ]
  }

  focus() {
    const { editor, views } = this.#parts
    views.show('script')
    editor.focus()
  }

  /** Makes the graph what the text says. */
  async apply() {
    const { state, editor, screen, draft, graph, views } = this.#parts
    await this.#settled()
    if (state.applying) return
    if (!state.edited && !state.differences.length) return screen.say(t('state.same'))
    views.show('script')
    state.applying = true
    draft.save()
    const script = editor.text()
    try {
      const plan = await server.planApply({ ...await openGraph(), script })
      if (await this.#left()) return
      state.plan = plan
      if (plan.errors) return this.#goToError(plan.errors)
      const taken = await applyScript(state, script, plan)
      if (!state.notApplied.length) draft.applied(script, plan.edits.length, taken)
    } catch (error) {
      screen.complain(t('apply.failed'), error)
    } finally {
      state.applying = false
      screen.showErrors()
      screen.mark()
      screen.showState()
    }
    await graph.refresh()
  }

  /** Forgets what was written: the script is what ComfyScript writes of the graph. */
  async writeAnew() {
    if (writtenText() === undefined) return
    await asOneStep(() => keepText(undefined))
    this.#parts.graph.changed(true)
  }

  /** What has changed in the graph since the text was edited comes into it first: else the text would undo it. */
  async #settled() {
    const { state, graph, draft } = this.#parts
    if (state.applying || !state.edited) return
    await graph.settled()
    await draft.merged
  }

  /** Whether another workflow was opened in the meantime, which is none of the text's business. */
  async #left() {
    await loaded()
    return workflowKey() !== this.#parts.state.key
  }

  /** Queues what the text says, applied or not. */
  async run() {
    const { state, screen } = this.#parts
    await this.#settled()
    if (state.applying) return
    state.runErrors = []
    screen.showErrors()
    if (!state.edited) {
      await queueGraph()
      return
    }
    state.applying = true
    try {
      await this.#runEdited()
    } catch (error) {
      screen.complain(t('run.failed'), error)
    } finally {
      state.applying = false
      this.#parts.graph.changed()
    }
  }

  async #runEdited() {
    const { state, editor, runs, screen } = this.#parts
    const script = editor.text()
    const plan = await server.planApply({ ...await openGraph(), script })
    if (await this.#left()) return
    if (plan.errors) return this.#goToError(plan.errors)
    const { unread, refused, queued } = await queueScript(script, plan)
    for (const { prompt, lines } of queued) runs.queued(prompt, lines)
    if (unread) return this.#goToError(unread)
    if (refused.length) {
      state.runErrors = refused
      return this.#goToError(refused)
    }
    screen.say(t('run.queued'))
  }

  /** The graph was queued, from here or by ComfyUI's own Run. */
  queued() {
    const { state, screen } = this.#parts
    if (state.edited || state.applying) return
    this.#said = app.lastNodeErrors
    this.#refused = state.runErrors = refusedOfGraph(state.lines)
    screen.showErrors()
    screen.showState()
  }

  /** Newer frontends tell of no run that was refused, and none of what they no longer say of it. */
  look() {
    const { state } = this.#parts
    const said = app.lastNodeErrors
    if (said === this.#said || state.applying || workflowKey() !== state.key) return
    this.#said = said
    if (Object.keys(said ?? {}).length || state.runErrors === this.#refused) this.queued()
  }

  /** The button of both. @param {MouseEvent} event */
  async runOrStop(event) {
    // The second half of a double click means the first once more.
    if (event.detail > 1) return
    await (this.#parts.runs.busy ? this.stop() : this.run())
  }

  async stop() {
    await api.fetchApi('/interrupt', { method: 'POST' })
  }

  /** The script cannot be taken as it is: shows where and why. @param {ScriptErrorJson[]} errors */
  #goToError(errors) {
    const { state, screen, views } = this.#parts
    if (!state.runErrors.length && state.edited) state.plan = { errors }
    views.show('script')
    screen.showErrors()
    screen.showState()
    screen.goToFirst(errors)
  }

  /** The script on screen. */
  #visibleText() {
    return this.#parts.views.text ?? this.#parts.editor.text()
  }

  async copy() {
    await copyText(this.#visibleText())
    toast('success', t('copy.done'))
  }

  /** The script with what is wrong in it, what is selected, and what there is to know of these nodes. */
  async copyForAgent() {
    const { state, views, screen } = this.#parts
    const script = this.#visibleText()
    const own = views.text === undefined
    try {
      const { text } = await server.forAgent({ script, lines: own ? selectedLines(state.lines) : [], errors: own ? [...state.errors, ...state.warnings] : [] })
      await copyText(text)
      toast('success', t('copyForAgent.done'))
    } catch (error) {
      screen.complain(t('copyForAgent.failed'), error)
    }
  }

  async download() {
    try {
      const answer = await server.runnable(this.#visibleText())
      if ('errors' in answer) return this.#goToError(answer.errors)
      saveText(answer.script, `${this.#parts.views.fileName?.replace(/\.\w+$/, '') ?? workflowName()}.py`)
    } catch (error) {
      this.#parts.screen.complain(t('download.failed'), error)
    }
  }

  /** The selected nodes become one `ComfyScript` node. */
  async toNode() {
    const { state, screen, graph } = this.#parts
    if (state.applying) return
    state.applying = true
    try {
      const count = await replaceWithNode({ ...style(), soft_wrap: false })
      if (!count) toast('info', t('toNode'), t('toNode.select'))
    } catch (error) {
      screen.complain(t('toNode.failed'), error)
    } finally {
      state.applying = false
    }
    graph.changed(true)
  }

  /** What is in the clipboard becomes the script, as an edit. */
  async paste() {
    const { editor, screen } = this.#parts
    editor.focus()
    try {
      editor.insert(await navigator.clipboard.readText())
    } catch (error) {
      // Where the page may not look, the user's own keys do.
      screen.complain(t('empty.paste'), error)
    }
  }

  newGraph() {
    this.#parts.views.showScratch()
  }

  compareDraft() {
    const { state, editor, views } = this.#parts
    views.compare({ name: t('diff.graph'), text: state.base.script }, { name: t('diff.draft'), text: editor.text() }, 'script')
  }
}
