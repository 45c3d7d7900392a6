// The text in the editor: the graph's script, or edits of it, which are kept until they are applied or discarded.
import { canRedo, openTabs, toast, workflowKey, writtenText } from './comfy.mjs'
import { keepScript } from './apply_script.mjs'
import { debounce } from './dom.mjs'
import { adoptDraft, claimDrafts, deleteDraft, dropClosed, moveDraft, readDraft, writeDraft } from './draft_store.mjs'
import { openGraph } from './graph_script.mjs'
import { mergeWithGraph } from './merge_graph.mjs'
import * as server from './server.mjs'
import { t } from './text.mjs'

export class Draft {
  #state
  #editor
  #screen
  #checkSoon = debounce(() => void this.#check(), 350, 1500)
  #keepSoon = debounce(() => void this.#keep(), 700, 5000)
  /** Until what the graph has changed is in the text. @type {Promise<void>} */
  merged = Promise.resolve()
  #saveSoon = debounce(() => this.save(), 200, 1000)

  /** @param {import('./state.mjs').State} state @param {import('./editor.mjs').Editor} editor @param {import('./screen.mjs').Screen} screen */
  constructor(state, editor, screen) {
    this.#state = state
    this.#editor = editor
    this.#screen = screen
  }

  /** Goes on with the edits that were kept of a workflow, if any. @param {import('./draft_store.mjs').Draft | undefined} kept */
  resume(kept = readDraft(this.#state.key)) {
    if (!kept) return
    this.#editor.show(kept.text)
    this.#editor.setConflicts(kept.conflicts ?? [])
    this.#state.startEdits(kept.base)
    this.#checkSoon()
  }

  /** The graph is another script now. Edits stay. @param {import('./server.mjs').ScriptJson} base @param {import('./graph_script.mjs').ScriptPlace} at */
  rebase(base, { key, tab, graph }) {
    const state = this.#state
    Object.assign(state, { base, graph })
    const fresh = key !== state.key || !state.loaded
    if (key !== state.key && tab && tab === state.tab) this.#rename(key)
    if (key !== state.key) this.#switchTo(key)
    state.tab = tab
    if (fresh) claimDrafts(openTabs())
    if (fresh && !state.edited && base.script.trim()) this.#adopt()
    if (state.edited && this.#editor.text() === base.script) this.#end()
    if (state.edited && base.script === state.editedFrom) state.editedGraph = graph
    if (state.moved) this.merged = this.#merge()
    if (state.edited) this.#checkSoon()
    else this.#editor.show(base.script)
    this.#screen.showNotes()
    this.#screen.showErrors()
    this.#screen.mark()
  }

  /** @param {string} key */
  #switchTo(key) {
    this.save()
    const left = this.#state.key
    this.#state.key = key
    this.#state.forgetEdits()
    this.#editor.setErrors([])
    this.#editor.setConflicts([])
    this.#editor.change(left, key)
    this.#screen.forgetRuns()
    dropClosed(openTabs().map(one => one.key))
    this.resume()
  }

  /** Saved for the first time, or under another name. @param {string} key */
  #rename(key) {
    moveDraft(this.#state.key, key)
    this.#state.key = key
  }

  /** The graph's changes come into the text, where they leave alone what was typed. @returns {Promise<void>} */
  async #merge() {
    const state = this.#state
    const [text, base] = [this.#editor.text(), state.base.script]
    const merged = await mergeWithGraph(state, text).catch(() => undefined)
    if (!merged || state.closed || !state.moved || state.base.script !== base) return
    if (this.#editor.text() !== text) return this.#merge()
    this.#editor.merge(merged.text, merged.conflicts)
    state.editedFrom = base
    state.editedGraph = state.graph
    if (merged.text === base) this.#end()
    else {
      this.#saveSoon()
      this.#checkSoon()
    }
    this.#screen.showState()
  }

  /** Of the places that text and graph have changed both, how many are left. @param {number} count */
  decided(count) {
    this.#state.conflicts = count
    if (this.#state.edited) this.#saveSoon()
    this.#screen.showState()
  }

  #adopt() {
    const { key, base } = this.#state
    const kept = adoptDraft(key, base.script, this.#path())
    if (kept) this.resume(kept)
  }

  /** The user has typed. @param {string} text */
  typed(text) {
    const state = this.#state
    state.runErrors = []
    state.notApplied = []
    if (text === state.base.script) this.#end()
    else if (state.edited) this.#edit(state.editedFrom, state.editedGraph)
    else this.#edit(state.base.script, state.graph)
    this.#screen.showState()
  }

  /** @param {string} base @param {import('./graph_script.mjs').AskedGraph} [graph] */
  #edit(base, graph) {
    this.#state.startEdits(base, graph)
    this.#saveSoon()
    this.#checkSoon()
  }

  save() {
    const state = this.#state
    this.#saveSoon.cancel()
    if (state.edited) writeDraft(state.key, { text: this.#editor.text(), base: state.editedFrom, conflicts: this.#editor.conflicts(), path: this.#path() })
  }

  /** By what ComfyUI knows the workflow whose text it is, which may be on screen no more. */
  #path() {
    return openTabs().find(one => one.key === this.#state.key)?.path
  }

  #end() {
    this.#saveSoon.cancel()
    this.#checkSoon.cancel()
    this.#keepSoon.cancel()
    this.#state.forgetEdits()
    this.#editor.setErrors([])
    this.#editor.setConflicts([])
    deleteDraft(this.#state.key)
    this.#screen.mark()
  }

  /** Shows the graph's script again; the editor's undo brings the edits back. */
  discard() {
    this.#editor.replace(this.#state.base.script)
    this.#end()
    this.#screen.showState()
    this.#editor.focus()
    this.#screen.say(t('state.discarded'))
  }

  /** Shows what was written before the graph changed, as an edit. */
  bringBack() {
    const text = writtenText()
    if (text === undefined) return
    this.#editor.replace(text)
    this.#edit(this.#state.base.script, this.#state.graph)
    this.#screen.showState()
    this.#editor.focus()
  }

  /** The graph is what the script says now, but for numbers that fields have rounded. @param {string} script @param {number} count of changes @param {import('./apply.mjs').Taken[]} taken */
  applied(script, count, taken) {
    const { base } = this.#state
    // Whoever typed on in the meantime keeps what they typed.
    if (this.#editor.text() === script) {
      this.#editor.replace(base.script)
      this.#end()
    } else this.#state.editedFrom = base.script
    this.#screen.showNotes()
    const done = count ? t('state.applied', { count }) : t('state.nothing')
    this.#screen.say(done)
    if (taken.length) toast('info', done, taken.map(({ edit, value }) => t('state.rounded', { input: edit.input ?? '', value })).join('\n'))
  }

  /** Asks what the text would change, and whether it can be read at all. */
  async #check() {
    const state = this.#state
    if (!state.edited || state.applying) return
    const text = this.#editor.text()
    try {
      const graph = await openGraph()
      if (workflowKey() !== state.key) return
      const plan = await server.planApply({ ...graph, script: text })
      if (state.closed || !state.edited || this.#editor.text() !== text) return
      state.plan = plan
      state.failed = ''
      if (!plan.errors && !plan.edits.length) this.#keepSoon()
    } catch (error) {
      state.failed = error instanceof Error ? error.message : String(error)
    }
    this.#screen.showErrors()
    this.#screen.mark()
    this.#screen.showState()
  }

  /** Names, comments and blank lines are the script's own: nobody has to apply them. */
  async #keep() {
    const state = this.#state
    const text = this.#editor.text()
    if (!this.#saysTheSame(state.plan)) return
    // The graph may have changed since it was asked.
    const now = await server.planApply({ ...await openGraph(), script: text }).catch(() => undefined)
    if (state.closed || this.#editor.text() !== text || !this.#saysTheSame(state.plan)) return
    if (!this.#saysTheSame(now)) {
      this.#checkSoon()
      return
    }
    state.applying = true
    try {
      await keepScript(state, text)
    } catch (error) {
      this.#screen.complain(t('apply.failed'), error)
      return
    } finally {
      state.applying = false
    }
    if (state.closed) return
    if (this.#editor.text() === text) this.#end()
    else {
      state.editedFrom = state.base.script
      this.#checkSoon()
    }
    this.#screen.showNotes()
    this.#screen.showState()
  }

  /** Whether the text can stay with the graph as it is, by what Apply would do. @param {import('./server.mjs').Plan | undefined} plan */
  #saysTheSame(plan) {
    const state = this.#state
    if (!state.edited || state.applying || state.moved || state.conflicts || !plan || plan.errors || plan.edits.length) return false
    // What was undone in the graph can come back: a new step would put it out of reach.
    return workflowKey() === state.key && !canRedo()
  }

  destroy() {
    this.save()
    this.#keepSoon.cancel()
    this.#checkSoon.cancel()
  }
}
