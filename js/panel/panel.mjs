// The panel: one object while the tab is open, nothing while it is closed.
import { api, app, asOneStep, isDark, keepText, openFile, openWorkflow, openWorkflowKeys, serialize, setting, toast, workflowKey, workflowName, writtenText } from './comfy.mjs'
import { applyEdits } from './apply.mjs'
import { completion, hover } from './complete.mjs'
import { showDiff } from './diff.mjs'
import { Listeners, button, debounce, h, icon, iconButton } from './dom.mjs'
import { adoptDraft, deleteDraft, readDraft, writeDraft } from './drafts.mjs'
import { acceptDrops } from './drops.mjs'
import { createEditor } from './editor.mjs'
import { copyText, saveText } from './export.mjs'
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

/** The open graph, as the server is asked about it. */
const openGraph = () => ({ workflow: serialize(), style: style(), text: writtenText() })

const style = () => ({ args: setting('ComfyScript.Style.Args', 'auto'), notes: setting('ComfyScript.Style.Notes', false) })

export class Panel {
  #listeners = new Listeners()
  #state = new State()
  #selection = new SelectionWatch()
  #refreshing = false
  #again = false
  #version = -1
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
  /** Time of the last refresh in ms: whole, and of it in the server's hands. */
  timing = { total: 0, server: 0, page: 0 }

  #soon = debounce(() => void this.#refresh(), 16, 100)
  #checkSoon = debounce(() => void this.#check(), 350, 1500)
  #saveSoon = debounce(() => this.#saveDraft(), 200, 1000)

  /** @param {HTMLElement} parent */
  constructor(parent) {
    const { root, elements } = this.#build(parent)
    this.root = root
    this.elements = elements
    this.editor = createEditor({
      parent: this.elements.script,
      label: t('editor'),
      dark: isDark(),
      onEdit: text => this.#onEdit(text),
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
    this.#listen()
    this.show('script')
    this.#startDraft(readDraft(this.#state.key))
    /** @type {Promise<unknown>} */
    this.ready = this.#refresh()
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
    this.#listeners.on(window, 'pagehide', () => this.#saveDraft())
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
    // A loaded workflow is announced before it is the active one.
    if (workflowKey() !== this.#state.key && !this.#refreshing) this.graphChanged(true)
    const version = (app.rootGraph ?? app.graph)?._version
    if (version !== this.#version) {
      const first = this.#version === -1
      this.#version = version
      if (!first) this.graphChanged()
    }
  }

  // ---- The graph's script

  /** @param {boolean} [now] also where live refresh is off */
  graphChanged(now = false) {
    if (this.#state.applying || this.#state.closed) return
    if (now || setting('ComfyScript.Panel.LiveRefresh', true) || workflowKey() !== this.#state.key) this.#soon()
    else {
      this.#state.stale = true
      this.#screen.showState()
    }
  }

  async #refresh() {
    if (this.#refreshing) {
      this.#again = true
      return
    }
    this.#refreshing = true
    try {
      const started = performance.now()
      const graph = openGraph()
      const key = workflowKey()
      const sent = performance.now()
      const base = await server.transpile(graph)
      if (this.#state.closed) return
      const answered = performance.now()
      this.#state.failed = ''
      this.#accept(base, key)
      const ended = performance.now()
      this.timing = { total: ended - started, server: answered - sent, page: sent - started + ended - answered }
    } catch (error) {
      this.#state.failed = error instanceof Error ? error.message : String(error)
    } finally {
      this.#refreshing = false
      this.#state.loaded = true
      if (this.#again && !this.#state.closed) {
        this.#again = false
        this.#soon()
      }
    }
    if (!this.#state.closed) this.#screen.showState()
  }

  /** @param {import('./server.mjs').ScriptJson} base @param {string} key */
  #accept(base, key) {
    this.#state.stale = false
    this.#state.base = base
    const fresh = key !== this.#state.key || !this.#state.loaded
    if (key !== this.#state.key) this.#switchWorkflow(key)
    if (fresh && !this.#state.edited && base.script.trim()) this.#startDraft(adoptDraft(key, base.script, openWorkflowKeys()))
    if (this.#state.edited && this.editor.text() === base.script) this.#endDraft()
    if (this.#state.edited) this.#checkSoon()
    else this.editor.show(base.script)
    this.#screen.showNotes()
    this.#screen.mark()
  }

  /** @param {string} key */
  #switchWorkflow(key) {
    this.#saveDraft()
    this.#state.key = key
    this.#state.edited = false
    this.#state.plan = undefined
    this.#state.notApplied = []
    this.#clearErrors()
    this.editor.reset()
    this.#startDraft(readDraft(key))
  }

  // ---- Drafts

  /** @param {import('./drafts.mjs').Draft | undefined} draft */
  #startDraft(draft) {
    if (!draft) return
    this.editor.show(draft.text)
    this.#state.edited = true
    this.#state.editedFrom = draft.base
    this.#checkSoon()
  }

  /** @param {string} text */
  #onEdit(text) {
    this.#state.runErrors = []
    this.#state.notApplied = []
    if (text === this.#state.base.script) this.#endDraft()
    else {
      if (!this.#state.edited) this.#state.editedFrom = this.#state.base.script
      this.#state.edited = true
      this.#state.plan = undefined
      this.#saveSoon()
      this.#checkSoon()
    }
    this.#screen.showState()
  }

  #saveDraft() {
    this.#saveSoon.cancel()
    if (this.#state.edited) writeDraft(this.#state.key, { text: this.editor.text(), base: this.#state.editedFrom })
  }

  #endDraft() {
    this.#state.edited = false
    this.#state.plan = undefined
    this.#state.notApplied = []
    this.#saveSoon.cancel()
    this.#checkSoon.cancel()
    this.#clearErrors()
    deleteDraft(this.#state.key)
    this.#screen.mark()
  }

  /** Shows the graph's script again; the editor's undo brings the edits back. */
  discard() {
    this.editor.replace(this.#state.base.script)
    this.#endDraft()
    this.#screen.showState()
    this.editor.focus()
    this.#screen.say(t('state.discarded'))
  }

  /** Shows what was written before the graph changed, as an edit. */
  bringBack() {
    const text = writtenText()
    if (text === undefined) return
    this.editor.replace(text)
    this.#state.edited = true
    this.#state.editedFrom = this.#state.base.script
    this.#state.plan = undefined
    this.#saveSoon()
    this.#checkSoon()
    this.#screen.showState()
    this.editor.focus()
  }

  /** Forgets what was written: the script is what ComfyScript writes of the graph. */
  async writeAnew() {
    if (writtenText() === undefined) return
    await asOneStep(() => keepText(undefined))
    this.graphChanged(true)
  }

  /** Asks what the text would change, and whether it can be read at all. */
  async #check() {
    if (!this.#state.edited || this.#state.applying) return
    const text = this.editor.text()
    try {
      const plan = await server.planApply({ ...openGraph(), script: text })
      if (this.#state.closed || !this.#state.edited || this.editor.text() !== text) return
      this.#state.plan = plan
      this.#state.failed = ''
    } catch (error) {
      this.#state.failed = error instanceof Error ? error.message : String(error)
    }
    this.#screen.showErrors()
    this.#screen.mark()
    this.#screen.showState()
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
    this.#saveDraft()
    const script = this.editor.text()
    try {
      const plan = await server.planApply({ ...openGraph(), script })
      this.#state.plan = plan
      if (plan.errors) return this.#goToError(plan.errors)
      this.#state.notApplied = []
      await asOneStep(async () => {
        if (plan.edits.length) {
          const failures = applyEdits(plan.edits)
          await settled()
          await this.#verify(script, failures)
        }
        if (!this.#state.notApplied.length) await this.#keep(script)
      })
      if (!this.#state.notApplied.length) this.#applied(script, plan.edits.length)
    } catch (error) {
      this.#screen.complain(t('apply.failed'), error)
    } finally {
      this.#state.applying = false
      this.#screen.showErrors()
      this.#screen.mark()
      this.#screen.showState()
    }
    await this.#refresh()
  }

  /** Whether the graph now is the script: asked of the server rather than hoped. @param {string} script @param {import('./apply.mjs').Failure[]} failures */
  async #verify(script, failures) {
    const rest = await server.planApply({ ...openGraph(), script })
    this.#state.plan = rest
    if (rest.errors || !rest.edits.length) return
    const reasons = new Map(failures.map(failure => [`${failure.edit.line}|${failure.edit.input ?? ''}`, failure.reason]))
    const found = rest.edits.map(edit => ({ line: edit.line, message: t(reasons.get(`${edit.line}|${edit.input ?? ''}`) ?? 'cannot.other', { input: edit.input ?? edit.type ?? '' }) }))
    this.#state.notApplied = [...new Map(found.map(one => [`${one.line}|${one.message}`, one])).values()]
  }

  /** What was typed stays the graph's script, unless it is what would be written anyway. @param {string} script */
  async #keep(script) {
    const { workflow, style } = openGraph()
    const anew = await server.transpile({ workflow, style })
    keepText(anew.script === script ? undefined : script)
    this.#state.base = anew.script === script ? anew : await server.transpile({ workflow, style, text: script })
  }

  /** @param {string} script @param {number} count */
  #applied(script, count) {
    // Whoever typed on in the meantime keeps what they typed.
    if (this.editor.text() === script) {
      this.editor.replace(this.#state.base.script)
      this.#endDraft()
    } else this.#state.editedFrom = this.#state.base.script
    this.#screen.showNotes()
    this.#screen.say(count ? t('state.applied', { count }) : t('state.nothing'))
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

  #clearErrors() {
    this.#state.runErrors = []
    this.editor.setErrors([])
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
    this.#saveDraft()
    this.#state.closed = true
    this.#closeView?.()
    this.#soon.cancel()
    this.#checkSoon.cancel()
    this.#listeners.removeAll()
    this.runs.destroy()
    this.editor.destroy()
  }
}

/** Once what the frontend puts off to the next frames has happened. */
const settled = () => new Promise(resolve => {
  // No frames come while the page is hidden.
  const timer = setTimeout(resolve, 150)
  requestAnimationFrame(() => requestAnimationFrame(() => { clearTimeout(timer); setTimeout(resolve) }))
})
