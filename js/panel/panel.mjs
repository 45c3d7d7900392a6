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
import { selectNodeOfLine, selectedLines, selectionKey } from './selection.mjs'
import * as server from './server.mjs'
import { shield } from './shield.mjs'
import { errorText, loadWords, t } from './text.mjs'
import { replaceWithNode } from './to_node.mjs'

/** @typedef {import('./server.mjs').FileRef} FileRef */
/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */
/** @typedef {'script' | 'outputs' | 'file' | 'diff' | 'scratch'} View */
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
  /** What the graph is as a script. @type {import('./server.mjs').ScriptJson} */
  #base = { script: '', lines: {}, warnings: [] }
  /** The workflow whose script is shown. */
  #key = workflowKey()
  /** Whether the text is no longer the graph's. */
  #edited = false
  /** The graph's script when editing began, to see whether the graph moved on since. */
  #editedFrom = ''
  /** @type {import('./server.mjs').Plan | undefined} what Apply would do */
  #plan
  /** @type {{ line: number | null, message: string }[]} */
  #notApplied = []
  /** @type {ScriptErrorJson[]} errors of runs */
  #runErrors = []
  #refreshing = false
  #again = false
  #stale = false
  #applying = false
  #loaded = false
  #failed = ''
  #selection = ''
  #version = -1
  #closed = false
  /** @type {View} */
  #view = 'script'
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
      onLine: line => { if (selectNodeOfLine(line, this.#lines())) this.#selection = selectionKey() },
      keys: [
        { key: 'Mod-Enter', run: () => { void this.run(); return true } },
        { key: 'Mod-s', run: () => { if (this.#edited) void this.apply(); return this.#edited } },
        { key: 'F12', run: () => selectNodeOfLine(this.editor.line(), this.#lines(), true) },
      ],
      sources: [completion(server.schemas)],
      hover: hover(server.schemas),
    })
    this.runs = new Runs({
      graphLines: () => this.#lines(),
      onChange: () => { this.#mark(); this.#showState() },
      onError: (line, message) => { if (line) { this.#runErrors = [{ line, column: 1, message }]; this.#showErrors() } },
      onEnd: () => this.#showState(),
    })
    this.#listen()
    this.show('script')
    this.#startDraft(readDraft(this.#key))
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
      { label: t('compareDraft'), icon: 'arrow-right-arrow-left', run: () => this.compareDraft(), disabled: !this.#edited },
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
    const key = selectionKey()
    if (key !== this.#selection) {
      this.#selection = key
      this.#mark()
      const [first] = selectedLines(this.#lines())
      if (first && this.#view === 'script') this.editor.reveal(first, 'nearest')
    }
    // A loaded workflow is announced before it is the active one.
    if (workflowKey() !== this.#key && !this.#refreshing) this.graphChanged(true)
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
    if (this.#applying || this.#closed) return
    if (now || setting('ComfyScript.Panel.LiveRefresh', true) || workflowKey() !== this.#key) this.#soon()
    else {
      this.#stale = true
      this.#showState()
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
      if (this.#closed) return
      const answered = performance.now()
      this.#failed = ''
      this.#accept(base, key)
      const ended = performance.now()
      this.timing = { total: ended - started, server: answered - sent, page: sent - started + ended - answered }
    } catch (error) {
      this.#failed = error instanceof Error ? error.message : String(error)
    } finally {
      this.#refreshing = false
      this.#loaded = true
      if (this.#again && !this.#closed) {
        this.#again = false
        this.#soon()
      }
    }
    if (!this.#closed) this.#showState()
  }

  /** @param {import('./server.mjs').ScriptJson} base @param {string} key */
  #accept(base, key) {
    this.#stale = false
    this.#base = base
    const fresh = key !== this.#key || !this.#loaded
    if (key !== this.#key) this.#switchWorkflow(key)
    if (fresh && !this.#edited && base.script.trim()) this.#startDraft(adoptDraft(key, base.script, openWorkflowKeys()))
    if (this.#edited && this.editor.text() === base.script) this.#endDraft()
    if (this.#edited) this.#checkSoon()
    else this.editor.show(base.script)
    this.#showNotes()
    this.#mark()
  }

  /** @param {string} key */
  #switchWorkflow(key) {
    this.#saveDraft()
    this.#key = key
    this.#edited = false
    this.#plan = undefined
    this.#notApplied = []
    this.#clearErrors()
    this.editor.reset()
    this.#startDraft(readDraft(key))
  }

  // ---- Drafts

  /** @param {import('./drafts.mjs').Draft | undefined} draft */
  #startDraft(draft) {
    if (!draft) return
    this.editor.show(draft.text)
    this.#edited = true
    this.#editedFrom = draft.base
    this.#checkSoon()
  }

  /** @param {string} text */
  #onEdit(text) {
    this.#runErrors = []
    this.#notApplied = []
    if (text === this.#base.script) this.#endDraft()
    else {
      if (!this.#edited) this.#editedFrom = this.#base.script
      this.#edited = true
      this.#plan = undefined
      this.#saveSoon()
      this.#checkSoon()
    }
    this.#showState()
  }

  #saveDraft() {
    this.#saveSoon.cancel()
    if (this.#edited) writeDraft(this.#key, { text: this.editor.text(), base: this.#editedFrom })
  }

  #endDraft() {
    this.#edited = false
    this.#plan = undefined
    this.#notApplied = []
    this.#saveSoon.cancel()
    this.#checkSoon.cancel()
    this.#clearErrors()
    deleteDraft(this.#key)
    this.#mark()
  }

  /** Shows the graph's script again; the editor's undo brings the edits back. */
  discard() {
    this.editor.replace(this.#base.script)
    this.#endDraft()
    this.#showState()
    this.editor.focus()
    this.#say(t('state.discarded'))
  }

  /** Shows what was written before the graph changed, as an edit. */
  bringBack() {
    const text = writtenText()
    if (text === undefined) return
    this.editor.replace(text)
    this.#edited = true
    this.#editedFrom = this.#base.script
    this.#plan = undefined
    this.#saveSoon()
    this.#checkSoon()
    this.#showState()
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
    if (!this.#edited || this.#applying) return
    const text = this.editor.text()
    try {
      const plan = await server.planApply({ ...openGraph(), script: text })
      if (this.#closed || !this.#edited || this.editor.text() !== text) return
      this.#plan = plan
      this.#failed = ''
    } catch (error) {
      this.#failed = error instanceof Error ? error.message : String(error)
    }
    this.#showErrors()
    this.#mark()
    this.#showState()
  }

  // ---- What the buttons do

  focus() {
    this.show('script')
    this.editor.focus()
  }

  async apply() {
    if (this.#applying) return
    if (!this.#edited) return this.#say(t('state.same'))
    this.show('script')
    this.#applying = true
    this.#saveDraft()
    const script = this.editor.text()
    try {
      const plan = await server.planApply({ ...openGraph(), script })
      this.#plan = plan
      if (plan.errors) return this.#goToError(plan.errors)
      this.#notApplied = []
      await asOneStep(async () => {
        if (plan.edits.length) {
          const failures = applyEdits(plan.edits)
          await settled()
          await this.#verify(script, failures)
        }
        if (!this.#notApplied.length) await this.#keep(script)
      })
      if (!this.#notApplied.length) this.#applied(script, plan.edits.length)
    } catch (error) {
      this.#complain(t('apply.failed'), error)
    } finally {
      this.#applying = false
      this.#showErrors()
      this.#mark()
      this.#showState()
    }
    await this.#refresh()
  }

  /** Whether the graph now is the script: asked of the server rather than hoped. @param {string} script @param {import('./apply.mjs').Failure[]} failures */
  async #verify(script, failures) {
    const rest = await server.planApply({ ...openGraph(), script })
    this.#plan = rest
    if (rest.errors || !rest.edits.length) return
    const reasons = new Map(failures.map(failure => [`${failure.edit.line}|${failure.edit.input ?? ''}`, failure.reason]))
    const found = rest.edits.map(edit => ({ line: edit.line, message: t(reasons.get(`${edit.line}|${edit.input ?? ''}`) ?? 'cannot.other', { input: edit.input ?? edit.type ?? '' }) }))
    this.#notApplied = [...new Map(found.map(one => [`${one.line}|${one.message}`, one])).values()]
  }

  /** What was typed stays the graph's script, unless it is what would be written anyway. @param {string} script */
  async #keep(script) {
    const { workflow, style } = openGraph()
    const anew = await server.transpile({ workflow, style })
    keepText(anew.script === script ? undefined : script)
    this.#base = anew.script === script ? anew : await server.transpile({ workflow, style, text: script })
  }

  /** @param {string} script @param {number} count */
  #applied(script, count) {
    // Whoever typed on in the meantime keeps what they typed.
    if (this.editor.text() === script) {
      this.editor.replace(this.#base.script)
      this.#endDraft()
    } else this.#editedFrom = this.#base.script
    this.#showNotes()
    this.#say(count ? t('state.applied', { count }) : t('state.nothing'))
  }

  /** Queues what the text says, applied or not. */
  async run() {
    this.#runErrors = []
    this.#showErrors()
    if (!this.#edited) {
      await app.queuePrompt(0, 1)
      return
    }
    try {
      const answer = await queueScript(this.editor.text())
      if (answer.unread) return this.#goToError(answer.unread)
      if (answer.refused) {
        this.#runErrors = answer.refused
        return this.#goToError(answer.refused)
      }
      this.runs.queued(answer.prompt, answer.lines)
      this.#say(t('run.queued'))
    } catch (error) {
      this.#complain(t('run.failed'), error)
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
      this.#complain(t('download.failed'), error)
    }
  }

  async toNode() {
    if (this.#applying) return
    this.#applying = true
    try {
      const count = await replaceWithNode(style())
      if (!count) toast('info', t('toNode'), t('toNode.select'))
    } catch (error) {
      this.#complain(t('toNode.failed'), error)
    } finally {
      this.#applying = false
    }
    this.graphChanged(true)
  }

  newGraph() {
    this.show('scratch')
  }

  async compareDraft() {
    this.#compare({ name: t('diff.graph'), text: this.#base.script }, { name: t('diff.draft'), text: this.editor.text() }, 'script')
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
      this.#complain(name, error)
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
    this.#view = view
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
    this.#showState()
    this.#showNotes()
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
      this.#complain(t('diff'), error)
    }
  }

  #openShown() {
    const shown = /** @type {Shown} */ (this.#shown)
    const place = h('div', { class: 'cs-editor' })
    this.#openOther(shown.name, [
      button(t('file.load'), async () => { try { await shown.load?.() } catch (error) { this.#complain(shown.name, error) } }, {}, icon('folder-open')),
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
        this.#say(errorText(read.errors[0]))
        return
      }
      deleteDraft(SCRATCH)
      this.show('script')
      await openWorkflow(read.workflow, 'ComfyScript')
      this.graphChanged(true)
    } catch (error) {
      this.#complain(t('newGraph'), error)
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

  // ---- What is shown of the state

  /** Prompt id → lines of the text as it stands. @returns {Record<string, [number, number]>} */
  #lines() {
    if (!this.#edited) return this.#base.lines
    const plan = this.#plan
    if (!plan || plan.errors) return {}
    return plan.lines
  }

  #visibleText() {
    if (this.#view === 'file' && this.#shown) return this.#shown.text
    if (this.#view === 'scratch' && this.#scratch) return this.#scratch.text()
    return this.editor.text()
  }

  #visibleGraphText() {
    return this.#base.script
  }

  #mark() {
    const { running, done } = this.runs?.progress ?? { running: new Map(), done: new Set() }
    /** @type {Set<number>} */
    const changed = new Set()
    if (this.#edited && this.#plan && !this.#plan.errors) for (const edit of this.#plan.edits) if (edit.line) changed.add(edit.line)
    this.editor.mark({ selected: selectedLines(this.#lines()), running, done, changed })
  }

  #showErrors() {
    const errors = this.#edited && this.#plan?.errors ? this.#plan.errors : []
    const rest = this.#notApplied.filter(one => one.line).map(one => ({ line: /** @type {number} */ (one.line), column: 1, message: one.message }))
    this.editor.setErrors([...errors, ...rest, ...this.#runErrors])
  }

  #clearErrors() {
    this.#runErrors = []
    this.editor.setErrors([])
  }

  /** @param {ScriptErrorJson[]} errors */
  #goToError(errors) {
    if (!this.#runErrors.length && this.#edited) this.#plan = { errors }
    this.show('script')
    this.#showErrors()
    this.#showState()
    this.editor.goTo(errors[0].line, errors[0].column)
    this.#say(errorText(errors[0]))
  }

  #showState() {
    const { state, run } = this.elements
    const busy = this.runs?.busy
    run.replaceChildren(icon(busy ? 'stop' : 'play'), h('span', {}, busy ? t('stop') : t('run')))
    run.setAttribute('aria-label', busy ? t('stop') : t('run'))
    run.title = busy ? t('stop') : this.#edited ? t('run.edited') : t('run.title')
    const parts = this.#view === 'script' ? this.#stateParts() : []
    state.hidden = !parts.length
    state.replaceChildren(...parts)
  }

  /** @returns {HTMLElement[]} */
  #stateParts() {
    const dot = (/** @type {string} */ kind) => h('span', { class: `cs-dot cs-dot-${kind}`, 'aria-hidden': 'true' })
    const text = (/** @type {string} */ words) => h('span', { class: 'cs-state-text', title: words }, words)
    if (this.#failed) return [dot('error'), text(this.#failed), button(t('refresh'), () => this.graphChanged(true))]
    if (!this.#loaded) return [dot('busy'), text(t('state.loading'))]
    if (this.#edited) return this.#editedParts(dot, text)
    if (this.#stale) return [dot('edited'), text(t('state.stale')), button(t('refresh'), () => this.graphChanged(true))]
    if (this.#base.text === 'rewritten' && !this.#runErrors.length) {
      return [dot('same'), text(t('state.rewritten')), button(t('bringBack'), () => this.bringBack(), { title: t('bringBack.title') })]
    }
    return [dot('same'), text(t('state.same')), ...this.#runParts()]
  }

  /** @param {(kind: string) => HTMLElement} dot @param {(words: string) => HTMLElement} text */
  #editedParts(dot, text) {
    const moved = this.#base.script !== this.#editedFrom
    const discard = button(moved ? t('useGraph') : t('discard'), () => this.discard(), { title: t('discard.title') })
    const error = this.#plan?.errors?.[0] ?? this.#runErrors[0]
    if (error) {
      const go = h('button', { type: 'button', class: 'cs-link cs-state-text', title: errorText(error), onclick: () => this.editor.goTo(error.line, error.column) }, errorText(error))
      return [dot('error'), go, discard]
    }
    const apply = button(t('apply'), () => this.apply(), { class: 'cs-button cs-primary', title: t('apply.title') }, icon('check'))
    if (this.#notApplied.length) {
      const first = this.#notApplied[0]
      const words = t('state.notApplied', { count: this.#notApplied.length, reason: first.message })
      return [dot('error'), text(words), apply, discard]
    }
    return [dot('edited'), text(moved ? t('state.both') : this.#summary()), apply, discard]
  }

  #runParts() {
    const [error] = this.#runErrors
    if (!error) return []
    return [h('button', { type: 'button', class: 'cs-link cs-link-error', onclick: () => this.editor.goTo(error.line) }, errorText(error))]
  }

  /** What Apply would do, in a few words. */
  #summary() {
    const plan = this.#plan
    if (!plan || plan.errors) return t('state.edited')
    if (!plan.edits.length) return t('state.nothing')
    const fresh = new Set(plan.edits.filter(edit => edit.op === 'add').map(edit => edit.node))
    const count = (/** @type {(edit: import('./server.mjs').Edit) => boolean} */ test) => plan.edits.filter(test).length
    const counts = {
      add: fresh.size,
      remove: count(edit => edit.op === 'remove'),
      set: count(edit => edit.op === 'set' && !fresh.has(edit.node)),
      link: count(edit => (edit.op === 'connect' || edit.op === 'disconnect') && !fresh.has(edit.node)),
    }
    return Object.entries(counts).filter(([, number]) => number).map(([name, number]) => t(`change.${name}`, { count: number })).join(', ')
  }

  #showNotes() {
    const { notes } = this.elements
    const { warnings } = this.#base
    const open = notes.open
    notes.hidden = !warnings.length || this.#view !== 'script'
    notes.replaceChildren(h('summary', {}, t('notes', { count: warnings.length })), h('ul', {}, ...warnings.map(warning => h('li', {}, warning))))
    notes.open = open
  }

  /** Tells screen readers, and shows for a moment. @param {string} words */
  #say(words) {
    this.elements.live.textContent = words
  }

  /** @param {string} what @param {unknown} error */
  #complain(what, error) {
    const reason = error instanceof Error ? error.message : String(error)
    this.#say(`${what}: ${reason}`)
    toast('error', what, reason)
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
    this.#closed = true
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
