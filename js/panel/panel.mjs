// The panel: one object while the tab is open, nothing while it is closed.
import { api, app, asOneStep, isDark, keepText, openFile, openWorkflow, toast, workflowName, writtenText } from './comfy.mjs'
import { applyScript } from './apply_script.mjs'
import { completion, hover } from './complete.mjs'
import { showDiff } from './diff.mjs'
import { Listeners, button, h, icon, iconButton } from './dom.mjs'
import { Draft } from './draft.mjs'
import { deleteDraft, readDraft, writeDraft } from './draft_store.mjs'
import { acceptDrops } from './drops.mjs'
import { createEditor } from './editor.mjs'
import { copyText, saveText } from './export.mjs'
import { GraphScript, openGraph, style } from './graph_script.mjs'
import { Menu } from './menu.mjs'
import { Outputs } from './outputs.mjs'
import { queueScript } from './queue.mjs'
import { Runs } from './run.mjs'
import { Screen } from './screen.mjs'
import { SelectionWatch, selectNodeOfLine, selectedLines } from './selection.mjs'
import * as server from './server.mjs'
import { shield } from './shield.mjs'
import { State } from './state.mjs'
import { errorText, loadWords, t } from './text.mjs'
import { replaceWithNode } from './to_node.mjs'

/** @typedef {import('./server.mjs').FileRef} FileRef */
/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */
/** @typedef {import('./state.mjs').View} View */
/** @typedef {{ name: string, text: string, load?: () => Promise<unknown> }} Shown A script that is not the graph's. */

const SCRATCH = 'scratch'
const WATCH = 150

/** @type {Panel | undefined} */
let panel
/** @type {((panel: Panel) => void)[]} */
let waiting = []
/** @type {Promise<unknown> | undefined} */
let prepared

/** What every opening needs: words and, once per page, style. */
const prepare = () => Promise.all([loadWords(), (prepared ??= loadStyle())])

const loadStyle = () => new Promise(resolve => {
  const link = h('link', { rel: 'stylesheet', href: new URL('./panel.css', import.meta.url).href })
  link.onload = link.onerror = () => resolve(undefined)
  document.head.append(link)
})

/** @param {HTMLElement} parent */
export async function openPanel(parent) {
  await prepare()
  if (!parent.isConnected) return
  closePanel()
  panel = new Panel(parent)
  for (const resolve of waiting.splice(0)) resolve(panel)
}

export function closePanel() {
  panel?.destroy()
  panel = undefined
}

/** @returns {Promise<Panel>} */
export const openedPanel = () => (panel ? panel.ready.then(() => /** @type {Panel} */ (panel)) : new Promise(/** @param {(panel: Panel) => void} resolve */ resolve => waiting.push(resolve)).then(opened => opened.ready.then(() => opened)))

export const graphLoaded = () => panel?.graphChanged()
export const settingsChanged = () => panel?.graphChanged(true)

export class Panel {
  #listeners = new Listeners()
  #state = new State()
  #selection = new SelectionWatch()
  /** @type {Shown | undefined} */
  #shown
  /** Where a diff was asked for. @type {'script' | 'outputs'} */
  #back = 'outputs'
  /** @type {Outputs | undefined} */
  #outputs
  /** @type {(() => void) | undefined} */
  #closeView
  /** @type {ReturnType<typeof createEditor> | undefined} */
  #scratch
  #screen
  #draft
  #graph

  /** @param {HTMLElement} parent */
  constructor(parent) {
    const { root, elements } = this.#build(parent)
    this.root = root
    this.elements = elements
    this.editor = createEditor({
      parent: this.elements.script,
      label: t('editor'),
      dark: isDark(),
      onEdit: text => this.#draft.typed(text),
      onLine: line => { if (selectNodeOfLine(line, this.#state.lines)) this.#selection.changed() },
      keys: [
        { key: 'Mod-Enter', run: () => { void this.run(); return true } },
        { key: 'Mod-s', run: () => { if (this.#state.edited) void this.apply(); return this.#state.edited } },
        { key: 'F12', run: () => selectNodeOfLine(this.editor.line(), this.#state.lines, true) },
      ],
      sources: [completion(server.schemas)],
      hover: hover(server.schemas),
    })
    this.runs = new Runs({
      graphLines: () => this.#state.lines,
      onChange: () => { this.#screen.mark(); this.#screen.showState() },
      onError: (line, message) => { if (line) { this.#state.runErrors = [{ line, column: 1, message }]; this.#screen.showErrors() } },
      onEnd: () => this.#screen.showState(),
    })
    this.#screen = new Screen({
      state: this.#state, editor: this.editor, elements: this.elements, runs: this.runs,
      act: { refresh: () => this.graphChanged(true), apply: () => void this.apply(), discard: () => this.discard(), bringBack: () => this.bringBack() },
    })
    this.#draft = new Draft(this.#state, this.editor, this.#screen)
    this.#graph = new GraphScript(this.#state, {
      onScript: (script, key) => this.#draft.rebase(script, key),
      onState: () => this.#screen.showState(),
    })
    this.#listen()
    this.show('script')
    this.#draft.resume()
    /** Once the script is shown. @type {Promise<unknown>} */
    this.ready = this.#graph.refresh()
  }

  /** @param {HTMLElement} parent */
  #build(parent) {
    const tab = (/** @type {'script' | 'outputs'} */ name, /** @type {string} */ label) =>
      h('button', { type: 'button', role: 'tab', id: `cs-tab-${name}`, 'aria-controls': `cs-${name}`, onclick: () => this.show(name), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#tabKey(event) }, label)
    const menu = new Menu(t('more'), () => [
      { label: t('download'), icon: 'download', run: () => this.download() },
      { label: t('toNode'), icon: 'box', run: () => this.toNode() },
      { label: t('newGraph'), icon: 'plus', run: () => this.newGraph() },
      { label: t('compareDraft'), icon: 'arrow-right-arrow-left', run: () => this.compareDraft(), disabled: !this.#state.edited },
      { label: t('writeAnew'), icon: 'eraser', run: () => this.writeAnew(), disabled: writtenText() === undefined },
      { label: t('search'), icon: 'search', run: () => { this.show('script'); this.editor.search() } },
      { label: t('refresh'), icon: 'refresh', run: () => this.graphChanged(true) },
      { label: t('settings'), icon: 'cog', run: () => this.#openSettings() },
    ])
    const elements = {
      tabs: { script: tab('script', t('script')), outputs: tab('outputs', t('outputs')) },
      run: button(t('run'), () => (this.runs.busy ? this.stop() : this.run()), { class: 'cs-button cs-run', title: t('run.title') }, icon('play')),
      state: h('div', { class: 'cs-state' }),
      script: h('div', { class: 'cs-view', role: 'tabpanel', id: 'cs-script', 'aria-labelledby': 'cs-tab-script' }),
      outputs: h('div', { class: 'cs-view', role: 'tabpanel', id: 'cs-outputs', 'aria-labelledby': 'cs-tab-outputs', hidden: true }),
      other: h('div', { class: 'cs-view', hidden: true }),
      notes: h('details', { class: 'cs-notes', hidden: true }),
      live: h('div', { class: 'cs-live', role: 'status', 'aria-live': 'polite' }),
    }
    this.#listeners.add(() => menu.close())
    const root = h('div', { class: 'comfyscript', role: 'region', 'aria-label': 'ComfyScript' },
      h('header', { class: 'cs-bar' },
        h('div', { class: 'cs-tabs', role: 'tablist', 'aria-label': 'ComfyScript' }, elements.tabs.script, elements.tabs.outputs),
        h('span', { class: 'cs-space' }),
        iconButton('copy', t('copy'), () => this.copy()), menu.element, elements.run),
      elements.state, elements.script, elements.outputs, elements.other, elements.notes, elements.live)
    parent.classList.add('comfyscript-place')
    parent.replaceChildren(root)
    this.#listeners.add(() => root.remove())
    return { root, elements }
  }

  #listen() {
    const { root } = this
    this.#listeners.on(api, 'graphChanged', () => this.graphChanged())
    this.#listeners.on(window, 'pagehide', () => this.#draft.save())
    shield(root, this.#listeners)
    acceptDrops(root, this.#listeners, { file: file => void this.showFile(file), output: file => void this.showOutput(file) })
    const theme = new MutationObserver(() => { this.editor.setDark(isDark()); this.#scratch?.setDark(isDark()) })
    theme.observe(document.body, { attributes: true, attributeFilter: ['class'] })
    this.#listeners.add(() => theme.disconnect())
    const watch = setInterval(() => this.#watch(), WATCH)
    this.#listeners.add(() => clearInterval(watch))
  }

  /** What no event tells: the selection, and changes of the graph by other extensions. */
  #watch() {
    if (document.hidden || !app.canvas) return
    if (this.#selection.changed()) {
      this.#screen.mark()
      const [first] = selectedLines(this.#state.lines)
      if (first && this.#state.view === 'script') this.editor.reveal(first, 'nearest')
    }
    this.#graph.look()
  }

  /** Time of the last refresh in ms. */
  get timing() {
    return this.#graph.timing
  }

  /** @param {boolean} [now] also where live refresh is off */
  graphChanged(now = false) {
    this.#graph.changed(now)
  }

  discard() {
    this.#draft.discard()
  }

  bringBack() {
    this.#draft.bringBack()
  }

  /** Forgets what was written: the script is what ComfyScript writes of the graph. */
  async writeAnew() {
    if (writtenText() === undefined) return
    await asOneStep(() => keepText(undefined))
    this.graphChanged(true)
  }

  // ---- What the buttons do

  focus() {
    this.show('script')
    this.editor.focus()
  }

  async apply() {
    if (this.#state.applying) return
    if (!this.#state.edited) return this.#screen.say(t('state.same'))
    this.show('script')
    this.#state.applying = true
    this.#draft.save()
    const script = this.editor.text()
    try {
      const plan = await server.planApply({ ...openGraph(), script })
      this.#state.plan = plan
      if (plan.errors) return this.#goToError(plan.errors)
      await applyScript(this.#state, script, plan.edits)
      if (!this.#state.notApplied.length) this.#draft.applied(script, plan.edits.length)
    } catch (error) {
      this.#screen.complain(t('apply.failed'), error)
    } finally {
      this.#state.applying = false
      this.#screen.showErrors()
      this.#screen.mark()
      this.#screen.showState()
    }
    await this.#graph.refresh()
  }

  /** Queues what the text says, applied or not. */
  async run() {
    this.#state.runErrors = []
    this.#screen.showErrors()
    if (!this.#state.edited) {
      await app.queuePrompt(0, 1)
      return
    }
    try {
      const answer = await queueScript(this.editor.text())
      if (answer.unread) return this.#goToError(answer.unread)
      if (answer.refused) {
        this.#state.runErrors = answer.refused
        return this.#goToError(answer.refused)
      }
      this.runs.queued(answer.prompt, answer.lines)
      this.#screen.say(t('run.queued'))
    } catch (error) {
      this.#screen.complain(t('run.failed'), error)
    }
  }

  async stop() {
    await api.fetchApi('/interrupt', { method: 'POST' })
  }

  async copy() {
    await copyText(this.#visibleText())
    toast('success', t('copy.done'))
  }

  async download() {
    const text = this.#visibleText()
    try {
      const answer = await server.runnable(text)
      if ('errors' in answer) return this.#goToError(answer.errors)
      saveText(answer.script, `${this.#shown ? this.#shown.name.replace(/\.\w+$/, '') : workflowName()}.py`)
    } catch (error) {
      this.#screen.complain(t('download.failed'), error)
    }
  }

  async toNode() {
    if (this.#state.applying) return
    this.#state.applying = true
    try {
      const count = await replaceWithNode(style())
      if (!count) toast('info', t('toNode'), t('toNode.select'))
    } catch (error) {
      this.#screen.complain(t('toNode.failed'), error)
    } finally {
      this.#state.applying = false
    }
    this.graphChanged(true)
  }

  newGraph() {
    this.show('scratch')
  }

  async compareDraft() {
    this.#compare({ name: t('diff.graph'), text: this.#state.base.script }, { name: t('diff.draft'), text: this.editor.text() }, 'script')
  }

  /** @param {FileRef} file */
  async showOutput(file) {
    await this.#showScript(file.filename, () => server.scriptOfOutput(file, style().args), async () => {
      const response = await fetch(server.viewUrl(file))
      return new File([await response.blob()], file.filename, { type: response.headers.get('Content-Type') ?? '' })
    })
  }

  /** @param {File} file */
  async showFile(file) {
    await this.#showScript(file.name, () => server.scriptOfFile(file, style().args), async () => file)
  }

  /** @param {string} name @param {() => Promise<import('./server.mjs').ScriptJson>} ask @param {() => Promise<File>} load */
  async #showScript(name, ask, load) {
    try {
      const { script } = await ask()
      this.#shown = { name, text: script, load: async () => openFile(await load()) }
      this.show('file')
    } catch (error) {
      this.#screen.complain(name, error)
    }
  }

  /** @param {Shown} left @param {Shown} right @param {'script' | 'outputs'} [back] */
  #compare(left, right, back = 'outputs') {
    this.#back = back
    this.show('diff', () => this.#openDiff(left, right))
  }

  // ---- Views

  /** @param {View} view @param {() => void} [open] */
  show(view, open) {
    this.#closeView?.()
    this.#closeView = undefined
    this.#state.view = view
    const { tabs, script, outputs, other } = this.elements
    script.hidden = view !== 'script'
    outputs.hidden = view !== 'outputs'
    other.hidden = view === 'script' || view === 'outputs'
    const chosen = view === 'script' || view === 'scratch' || (view === 'diff' && this.#back === 'script') ? 'script' : 'outputs'
    for (const [name, tab] of Object.entries(tabs)) {
      tab.setAttribute('aria-selected', String(name === chosen))
      tab.tabIndex = name === chosen ? 0 : -1
    }
    if (view !== 'file') this.#shown = undefined
    if (view === 'outputs') this.#openOutputs()
    else if (view === 'file') this.#openShown()
    else if (view === 'scratch') this.#openScratch()
    open?.()
    this.#screen.showState()
    this.#screen.showNotes()
    if (view === 'script') this.editor.view.requestMeasure()
  }

  #openOutputs() {
    const outputs = new Outputs({
      open: file => void this.showOutput(file),
      compare: (left, right) => void this.#compareFiles(left, right),
    })
    outputs.pinned = this.#outputs?.pinned
    this.#outputs = outputs
    this.elements.outputs.replaceChildren(h('p', { class: 'cs-hint' }, t('outputs.hint')), outputs.element)
    void outputs.load()
    this.#closeView = () => outputs.destroy()
  }

  /** @param {FileRef} left @param {FileRef} right */
  async #compareFiles(left, right) {
    try {
      const [one, two] = await Promise.all([left, right].map(file => server.scriptOfOutput(file, style().args)))
      this.#compare({ name: left.filename, text: one.script }, { name: right.filename, text: two.script })
    } catch (error) {
      this.#screen.complain(t('diff'), error)
    }
  }

  #openShown() {
    const shown = /** @type {Shown} */ (this.#shown)
    const place = h('div', { class: 'cs-editor' })
    this.#openOther(shown.name, [
      button(t('file.load'), async () => { try { await shown.load?.() } catch (error) { this.#screen.complain(shown.name, error) } }, {}, icon('folder-open')),
      button(t('file.compare'), () => this.#compare(shown, { name: t('diff.graph'), text: this.#visibleGraphText() }), {}, icon('arrow-right-arrow-left')),
    ], place)
    const editor = createEditor({ parent: place, label: shown.name, dark: isDark(), readOnly: true, hover: hover(server.schemas) })
    editor.show(shown.text)
    this.#closeView = () => editor.destroy()
  }

  /** @param {Shown} left @param {Shown} right */
  #openDiff(left, right) {
    const place = h('div', { class: 'cs-editor cs-editor-diff' })
    this.#openOther(t('diff'), [], place, this.#back)
    this.#closeView = showDiff(place, left, right, isDark())
  }

  #openScratch() {
    const place = h('div', { class: 'cs-editor' })
    const create = button(t('newGraph.create'), () => this.#createGraph(), { class: 'cs-button cs-primary' }, icon('check'))
    this.#openOther(t('newGraph'), [create], place, 'script')
    const editor = createEditor({
      parent: place, label: t('newGraph'), dark: isDark(), placeholder: t('newGraph.placeholder'),
      onEdit: text => { editor.setErrors([]); writeDraft(SCRATCH, { text, base: '' }) },
      keys: [{ key: 'Mod-Enter', run: () => { void this.#createGraph(); return true } }],
      sources: [completion(server.schemas)], hover: hover(server.schemas),
    })
    this.#scratch = editor
    editor.show(readDraft(SCRATCH)?.text ?? '')
    editor.focus()
    this.#closeView = () => { editor.destroy(); this.#scratch = undefined }
  }

  async #createGraph() {
    const editor = this.#scratch
    const text = editor?.text() ?? ''
    if (!editor || !text.trim()) return
    try {
      const read = await server.readScript(text)
      if (read.errors) {
        editor.setErrors(read.errors)
        editor.goTo(read.errors[0].line, read.errors[0].column)
        this.#screen.say(errorText(read.errors[0]))
        return
      }
      deleteDraft(SCRATCH)
      this.show('script')
      await openWorkflow(read.workflow, 'ComfyScript')
      this.graphChanged(true)
    } catch (error) {
      this.#screen.complain(t('newGraph'), error)
    }
  }

  /** @param {string} title @param {HTMLElement[]} actions @param {HTMLElement} content @param {View} [back] */
  #openOther(title, actions, content, back = 'outputs') {
    this.elements.other.replaceChildren(
      h('div', { class: 'cs-head' },
        iconButton('arrow-left', t('back'), () => this.show(back)),
        h('h2', { class: 'cs-title', title }, title)),
      ...(actions.length ? [h('div', { class: 'cs-actions' }, ...actions)] : []),
      content)
  }

  #visibleText() {
    if (this.#state.view === 'file' && this.#shown) return this.#shown.text
    if (this.#state.view === 'scratch' && this.#scratch) return this.#scratch.text()
    return this.editor.text()
  }

  #visibleGraphText() {
    return this.#state.base.script
  }

  /** @param {ScriptErrorJson[]} errors */
  #goToError(errors) {
    if (!this.#state.runErrors.length && this.#state.edited) this.#state.plan = { errors }
    this.show('script')
    this.#screen.showErrors()
    this.#screen.showState()
    this.#screen.goToFirst(errors)
  }

  // ---- Small handlers

  /** @param {KeyboardEvent} event */
  #tabKey(event) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    const { tabs } = this.elements
    const other = event.currentTarget === tabs.script ? 'outputs' : 'script'
    this.show(other)
    tabs[other].focus()
    event.preventDefault()
  }

  #openSettings() {
    void app.extensionManager.command.execute('Comfy.ShowSettingsDialog')
  }

  destroy() {
    this.#draft.destroy()
    this.#state.closed = true
    this.#closeView?.()
    this.#graph.destroy()
    this.#listeners.removeAll()
    this.runs.destroy()
    this.editor.destroy()
  }
}
