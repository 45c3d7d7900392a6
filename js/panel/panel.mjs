// The panel: one object while the tab is open, nothing while it is closed. Here its parts are put together.
import { api, app, isDark, openWorkflow, setting, watchTheme } from './comfy.mjs'
import { Actions } from './actions.mjs'
import { attachPanel } from './agent_changes.mjs'
import { AgentNotice } from './agent_notice.mjs'
import { valueInCall } from './calls.mjs'
import { completion, hover } from './complete.mjs'
import { Listeners } from './dom.mjs'
import { Draft } from './draft.mjs'
import { lookForPages } from './draft_store.mjs'
import { acceptDrops } from './drops.mjs'
import { createEditor } from './editor.mjs'
import { buildFrame } from './frame.mjs'
import { GraphScript } from './graph_script.mjs'
import { inlayNames } from './inlays.mjs'
import { openOutline, stickyScroll } from './outline.mjs'
import { Runs } from './run.mjs'
import { Screen } from './screen.mjs'
import { SelectionWatch, nodeOfLine, selectNodeOfLine, selectedLines } from './selection.mjs'
import * as server from './server.mjs'
import { saves, shield } from './shield.mjs'
import { signatureHelp } from './signature.mjs'
import { State } from './state.mjs'
import { loadStyle } from './style.mjs'
import { loadWords, t } from './text.mjs'
import { valueControls } from './values.mjs'
import { Views } from './views.mjs'
import { showWidget } from './widget_mark.mjs'

const WATCH = 150

/** @type {Panel | undefined} */
let panel
/** @type {((panel: Panel) => void)[]} */
let waiting = []

/** What every opening needs: words and, once per page, style. */
const prepare = () => Promise.all([loadWords(), lookForPages(), loadStyle()])

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
export const settingsChanged = () => { panel?.editor.view.dispatch({}); panel?.graphChanged(true) }

export class Panel {
  #listeners = new Listeners()
  #state = new State()
  #selection = new SelectionWatch()
  #frame
  #runs
  #screen
  #draft
  #graph
  #views
  #actions
  #notice

  /** @param {HTMLElement} parent */
  constructor(parent) {
    const state = this.#state
    this.#frame = this.#createFrame(parent)
    this.editor = this.#createEditor()
    this.#runs = this.#createRuns()
    this.#screen = new Screen({
      state, editor: this.editor, elements: this.#frame, runs: this.#runs,
      act: { writeAnew: () => void this.#actions.writeAnew(), refresh: () => this.graphChanged(true), apply: () => void this.apply(), discard: () => this.#draft.discard(), decide: take => this.editor.resolveConflicts(take), bringBack: () => this.#draft.bringBack(), paste: () => { void this.#actions.paste() } },
    })
    this.#draft = new Draft(state, this.editor, this.#screen)
    this.#graph = new GraphScript(state, {
      onScript: (script, at) => this.#draft.rebase(script, at),
      onState: () => this.#screen.showState(),
    })
    this.#views = this.#createViews()
    this.#actions = new Actions({ state, editor: this.editor, runs: this.#runs, screen: this.#screen, draft: this.#draft, graph: this.#graph, views: this.#views })
    this.#notice = new AgentNotice(this.#frame.agent, () => this.graphChanged(true))
    this.#listen()
    this.#views.show('script')
    this.#draft.resume()
    /** Once the script is shown. @type {Promise<unknown>} */
    this.ready = this.#graph.refresh()
  }

  /** @param {HTMLElement} parent */
  #createFrame(parent) {
    const frame = buildFrame({
      show: tab => this.#views.show(tab),
      run: event => this.#actions.runOrStop(event),
      copy: () => this.copy(),
      menu: () => this.#actions.menu(),
    })
    parent.classList.add('comfyscript-place')
    parent.replaceChildren(frame.root)
    this.#listeners.add(frame.remove)
    return frame
  }

  /** @returns {import('./editor.mjs').Editor} */
  #createEditor() {
    const state = this.#state
    return createEditor({
      parent: this.#frame.script,
      label: t('editor'),
      dark: isDark(),
      placeholder: t('newGraph.placeholder'),
      onEdit: text => this.#draft.typed(text),
      onConflicts: count => this.#draft.decided(count),
      tabIndents: () => setting('ComfyScript.Panel.TabIndents', true),
      onLine: (line, pointed) => {
        if (selectNodeOfLine(line, state.lines)) this.#selection.changed()
        if (pointed !== undefined) void this.#showWidget(line, pointed)
      },
      keys: [
        { key: 'Mod-Enter', run: () => { void this.run(); return true } },
        { key: 'Mod-Shift-o', run: () => { openOutline(this.#frame.script, this.editor); return true } },
        { key: 'F12', run: () => selectNodeOfLine(this.editor.line(), state.lines, true) },
      ],
      sources: [completion(server.schemas)],
      hover: hover(server.schemas),
      help: [signatureHelp(server.schemas), valueControls(server.schemas), inlayNames(server.schemas, () => setting('ComfyScript.Panel.InlayNames', false)), stickyScroll(line => this.editor.goTo(line))],
    })
  }

  /** A value that is pointed at is shown where it stands in the graph. @param {number} line @param {number} pos */
  async #showWidget(line, pos) {
    const catalog = await server.schemas().catch(() => undefined)
    const found = catalog && valueInCall(this.editor.view.state, pos, catalog)
    const node = found && nodeOfLine(line, this.#state.lines, found.type)
    if (node) showWidget(node, found.input)
  }

  /** What keys do wherever in the panel one is. @param {KeyboardEvent} event */
  #shortcut(event) {
    if (!saves(event) || !this.#state.edited) return false
    void this.apply()
    return true
  }

  #createRuns() {
    return new Runs({
      graphLines: () => this.#state.lines,
      onChange: () => { this.#screen.mark(); this.#screen.showState() },
      onError: (line, message) => { if (line) { this.#state.runErrors = [{ line, column: 1, message }]; this.#screen.showErrors(); this.#screen.showState() } },
      onEnd: () => this.#screen.showState(),
    })
  }

  #createViews() {
    const screen = this.#screen
    return new Views({
      state: this.#state,
      elements: this.#frame,
      onShow: () => {
        screen.showState()
        screen.showNotes()
        if (this.#state.view === 'script') this.editor.view.requestMeasure()
      },
      create: async workflow => {
        this.#views.show('script')
        await openWorkflow(workflow, 'ComfyScript')
        this.graphChanged(true)
      },
      say: words => screen.say(words),
      complain: (what, error) => screen.complain(what, error),
    })
  }

  #listen() {
    const listeners = this.#listeners
    listeners.on(api, 'graphChanged', () => this.graphChanged())
    listeners.on(api, 'promptQueued', () => this.#actions.queued())
    listeners.on(api, 'reconnected', () => { if (this.#state.failed) this.graphChanged(true) })
    listeners.add(attachPanel({
      busy: () => this.#state.applying,
      begin: () => { this.#state.applying = true; this.#draft.save() },
      end: () => { this.#state.applying = false; this.graphChanged(true); this.#notice.show() },
    }))
    listeners.on(window, 'pagehide', () => this.#draft.save())
    shield(this.#frame.root, listeners, event => this.#shortcut(event))
    acceptDrops(this.#frame.root, listeners, { file: file => void this.#views.showFile(file), output: file => void this.#views.showOutput(file) })
    watchTheme(listeners, dark => {
      this.#frame.root.classList.toggle('cs-dark', dark)
      this.editor.setDark(dark)
      this.#views.setDark(dark)
    })
    const watch = setInterval(() => this.#watch(), WATCH)
    listeners.add(() => clearInterval(watch))
  }

  /** What no event tells: the selection, changes of the graph by other extensions, a run that was refused. */
  #watch() {
    if (document.hidden || !app.canvas) return
    if (this.#selection.changed()) this.#showSelection()
    this.#notice.show()
    this.#graph.look()
    this.#actions.look()
  }

  #showSelection() {
    this.#screen.mark()
    const [first] = selectedLines(this.#state.lines)
    if (first && this.#state.view === 'script') this.editor.reveal(first, 'nearest')
  }

  /** Time of the last refresh in ms. */
  get timing() {
    return this.#graph.timing
  }

  /** @param {boolean} [now] also where live refresh is off */
  graphChanged(now = false) {
    this.#graph.changed(now)
  }

  focus() {
    this.#actions.focus()
  }

  apply() {
    return this.#actions.apply()
  }

  run() {
    return this.#actions.run()
  }

  copy() {
    return this.#actions.copy()
  }

  copyForAgent() {
    return this.#actions.copyForAgent()
  }

  download() {
    return this.#actions.download()
  }

  toNode() {
    return this.#actions.toNode()
  }

  newGraph() {
    this.#actions.newGraph()
  }

  /** @param {import('./server.mjs').FileRef} file */
  showOutput(file) {
    return this.#views.showOutput(file)
  }

  destroy() {
    this.#draft.destroy()
    this.#state.closed = true
    this.#views.close()
    this.#graph.destroy()
    this.#listeners.removeAll()
    this.#runs.destroy()
    this.editor.destroy()
  }
}
