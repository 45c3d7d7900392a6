// What the panel knows: the graph's script, what was typed instead of it, and what the server said of that. Plain data;
// who changes it says what is to be shown anew (screen.mjs).
import { openTab, workflowKey } from './comfy.mjs'
import { t } from './text.mjs'

/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */
/** @typedef {'script' | 'outputs' | 'file' | 'diff' | 'scratch'} View */
/** @typedef {{ line: number | null, message: string }} Problem */

export class State {
  /** What the graph is as a script. @type {import('./server.mjs').ScriptJson} */
  base = { script: '', lines: {}, warnings: [] }
  /** The workflow whose script that is. */
  key = workflowKey()
  /** The tab that it is open in. */
  tab = openTab()
  /** The graph that this script was written of. @type {import('./graph_script.mjs').AskedGraph | undefined} */
  graph
  /** Whether the server has answered yet. */
  loaded = false
  /** Whether the graph has changed since; only where live refresh is off. */
  stale = false
  /** Why the server could not answer last. */
  failed = ''

  /** Whether the text is no longer the graph's. */
  edited = false
  /** The graph's script when editing began, to see whether the graph moved on since. */
  editedFrom = ''
  /** That graph, where it is known. @type {import('./graph_script.mjs').AskedGraph | undefined} */
  editedGraph
  /** How many places were changed both here and in the graph. */
  conflicts = 0
  /** What Apply would do. @type {import('./server.mjs').Plan | undefined} */
  plan
  /** What the last Apply left undone. @type {Problem[]} */
  notApplied = []
  /** Errors of runs. @type {ScriptErrorJson[]} */
  runErrors = []

  /** Whether the graph is being changed by the panel itself. */
  applying = false
  /** @type {View} */
  view = 'script'
  closed = false

  /** @param {string} base the graph's script that the edits are made in @param {import('./graph_script.mjs').AskedGraph} [graph] the graph of that script */
  startEdits(base, graph) {
    this.edited = true
    this.editedFrom = base
    this.editedGraph = graph
    this.plan = undefined
  }

  forgetEdits() {
    this.edited = false
    this.editedGraph = undefined
    this.plan = undefined
    this.notApplied = []
    this.runErrors = []
  }

  /** Whether both were changed, the text and the graph. */
  get moved() {
    return this.edited && this.base.script !== this.editedFrom
  }

  /** Prompt id → lines of the text as it stands. @returns {Record<string, [number, number]>} */
  get lines() {
    if (!this.edited) return this.base.lines
    return this.plan?.errors ? {} : this.plan?.lines ?? {}
  }

  /** Lines of the text that Apply would carry into the graph. @returns {Set<number>} */
  get changedLines() {
    const edits = this.edited && !this.plan?.errors ? this.plan?.edits ?? [] : []
    return new Set(edits.flatMap(edit => edit.line || []))
  }

  /** What `print` shows, by line. @returns {Record<string, string>} */
  get printed() {
    if (!this.edited) return this.base.printed ?? {}
    return this.plan?.errors ? {} : this.plan?.printed ?? {}
  }

  /** What the graph could hold but ComfyUI would not run, and where it is not what the text says. @returns {ScriptErrorJson[]} */
  get warnings() {
    if (!this.edited) {
      const differing = this.differences.map(({ line, input, value }) => ({ line, column: 1, message: t('differs.one', { input, value: JSON.stringify(value) }) }))
      return [...differing, ...this.base.problems ?? []]
    }
    return this.plan?.errors ? [] : this.plan?.warnings ?? []
  }

  /** Values that the text computes and that are others in the graph. @returns {import('./server.mjs').Difference[]} */
  get differences() {
    return this.edited ? [] : this.base.differs ?? []
  }

  /** Everything wrong with the text that has a line. @returns {ScriptErrorJson[]} */
  get errors() {
    const unread = this.edited ? this.plan?.errors ?? [] : []
    const rest = this.notApplied.flatMap(({ line, message }) => (line ? [{ line, column: 1, message }] : []))
    return [...unread, ...rest, ...this.runErrors]
  }
}
