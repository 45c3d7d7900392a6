// Shows what the state is: marks and errors in the script, the line above it, the notes below it, what is said aloud.
import { toast } from './comfy.mjs'
import { h, icon } from './dom.mjs'
import { withPrinted } from './results.mjs'
import { selectedLines } from './selection.mjs'
import { statusParts } from './status.mjs'
import { errorText, t } from './text.mjs'
import { Welcome } from './welcome.mjs'

/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */

export class Screen {
  #state
  #editor
  #elements
  #runs
  #act
  #welcome

  /**
   * @param {object} options
   * @param {import('./state.mjs').State} options.state
   * @param {import('./editor.mjs').Editor} options.editor
   * @param {{ run: HTMLElement, state: HTMLElement, welcome: HTMLElement, notes: HTMLDetailsElement, live: HTMLElement }} options.elements
   * @param {import('./run.mjs').Runs} options.runs
   * @param {Omit<import('./status.mjs').StatusActions, 'goTo'> & { paste: () => unknown }} options.act
   */
  constructor({ state, editor, elements, runs, act }) {
    this.#state = state
    this.#editor = editor
    this.#elements = elements
    this.#runs = runs
    this.#welcome = new Welcome(elements.welcome, state, act.paste)
    this.#act = { ...act, goTo: (/** @type {ScriptErrorJson} */ error) => editor.goTo(error.line, error.column) }
  }

  /** Lines that are selected in the graph, run, or would change it. */
  mark() {
    const { running, done, far } = this.#runs.progress
    const { lines, changedLines, printed } = this.#state
    this.#editor.mark({ selected: selectedLines(lines), running, done, far, changed: changedLines, results: withPrinted(this.#runs.results(lines), printed) })
  }

  /** Another workflow is on screen. */
  forgetRuns() {
    this.#runs.forget()
  }

  showErrors() {
    this.#editor.setErrors(this.#state.errors, this.#state.warnings)
  }

  /** Puts the cursor at the first. @param {ScriptErrorJson[]} errors */
  goToFirst(errors) {
    this.#act.goTo(errors[0])
    this.say(errorText(errors[0]))
  }

  showState() {
    const { state, run } = this.#elements
    const { busy } = this.#runs
    // Beside another script it is to be said which one runs.
    const label = busy ? t('stop') : this.#state.view === 'script' ? t('run') : t('run.graph')
    run.replaceChildren(icon(busy ? 'stop' : 'play'), h('span', {}, label))
    run.setAttribute('aria-label', label)
    run.title = busy ? t('stop') : this.#state.edited ? t('run.edited') : t('run.title')
    const parts = this.#state.view === 'script' ? statusParts(this.#state, this.#act) : []
    state.hidden = !parts.length
    state.replaceChildren(...parts)
    this.#welcome.show()
  }

  showNotes() {
    const { notes } = this.#elements
    const { warnings } = this.#state.base
    const { open } = notes
    notes.hidden = !warnings.length || this.#state.view !== 'script'
    notes.replaceChildren(h('summary', {}, t('notes', { count: warnings.length })), h('ul', {}, ...warnings.map(warning => h('li', {}, warning))))
    notes.open = open
  }

  /** Tells screen readers. @param {string} words */
  say(words) {
    this.#elements.live.textContent = words
  }

  /** Says what failed, for a moment also on screen. @param {string} what @param {unknown} error */
  complain(what, error) {
    const reason = error instanceof Error ? error.message : String(error)
    this.say(`${what}: ${reason}`)
    toast('error', what, reason)
  }
}
