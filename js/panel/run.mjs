// Which line runs: ComfyUI's progress messages, by the lines of the script that was queued.
import { api, openTab } from './comfy.mjs'
import { Listeners } from './dom.mjs'
import { located } from './located.mjs'
import { filesOf, isSeen } from './results.mjs'
import { said, t } from './text.mjs'

/** @typedef {{ running: Map<number, number | null>, done: Set<number>, far: Map<number, string>, prompt: string | undefined }} Progress `far`: what of a line is done, where that is to be counted: copies of a loop, steps of a node. */
/** @typedef {Record<string, [number, number] | number>} Lines */

/** @param {string} [prompt] @returns {Progress} */
const noProgress = prompt => ({ running: new Map(), done: new Set(), far: new Map(), prompt })

/** Why a node failed. The script of a ComfyScript node has lines of its own. @param {any} detail */
function reasonOf(detail) {
  const reason = `${detail?.exception_message ?? 'error'}`.trim()
  const inside = detail?.node_type === 'ComfyScript' ? located(reason) : undefined
  return inside ? t('error.inNode', { line: inside.line, message: said(inside.message) }) : reason
}

export class Runs {
  #listeners = new Listeners()
  /** @type {Map<string, Lines>} */
  #own = new Map()
  /** The tab that each prompt was queued in, or that was open when it began. @type {Map<string, object | undefined>} */
  #tabs = new Map()
  /** @type {Progress} */
  progress = noProgress()
  /** Nodes of the prompt that runs which need not, or not again. @type {Set<string>} */
  #finished = new Set()
  /** What each node made, by its id. @type {Map<string, import('./results.mjs').Result>} */
  #made = new Map()
  /** When it began. @type {Map<string, number>} */
  #began = new Map()

  /**
   * @param {object} options
   * @param {() => Lines} options.graphLines lines of what the graph itself queues
   * @param {() => void} options.onChange
   * @param {(line: number | undefined, message: string) => void} options.onError
   * @param {(prompt: string | undefined) => void} options.onEnd
   */
  constructor(options) {
    this.options = options
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ listener) =>
      this.#listeners.on(api, type, /** @param {CustomEvent} event */ event => listener(event.detail))
    on('execution_start', detail => this.#start(detail?.prompt_id))
    on('execution_cached', detail => this.#cached(detail))
    on('progress_state', detail => this.#state(detail))
    on('executed', detail => { if (this.#isHere(detail?.prompt_id)) this.#note(detail?.display_node ?? detail?.node, { files: filesOf(detail?.output) }) })
    on('comfyscript.printed', detail => this.#note(detail?.node, { printed: String(detail?.text ?? '') }))
    on('execution_success', detail => this.#end(detail?.prompt_id))
    on('execution_interrupted', detail => this.#end(detail?.prompt_id))
    // A server that was started anew, or a connection that broke, says no more of a run than that there is none.
    on('status', detail => { if (this.busy && detail?.exec_info?.queue_remaining === 0) this.#end(this.progress.prompt) })
    on('execution_error', detail => {
      this.#end(detail?.prompt_id)
      this.options.onError(this.#line(detail?.prompt_id, detail?.node_id), reasonOf(detail))
    })
  }

  get busy() {
    return this.progress.prompt !== undefined
  }

  /** The lines of a prompt that the panel queued itself. @param {string} prompt @param {Lines} lines */
  queued(prompt, lines) {
    this.#own.set(prompt, lines)
    this.#tabs.set(prompt, openTab())
    for (const old of [...this.#own.keys()].slice(0, -20)) this.#own.delete(old)
  }

  /** Whether a prompt is of the workflow on screen: in another one its nodes' ids mean others. @param {string | undefined} prompt */
  #isHere(prompt) {
    return !prompt || !this.#tabs.has(prompt) || this.#tabs.get(prompt) === openTab()
  }

  /** Where a node is said to have failed. @param {string | undefined} prompt @param {string} node @returns {number | undefined} */
  #line(prompt, node) {
    return this.#lines(prompt, node)[0]
  }

  /** All lines of a node's call. @param {string | undefined} prompt @param {string} node @returns {number[]} */
  #lines(prompt, node) {
    if (!this.#isHere(prompt)) return []
    const span = (this.#own.get(prompt ?? '') ?? this.options.graphLines())[node]
    if (!Array.isArray(span)) return span ? [span] : []
    return Array.from({ length: span[1] - span[0] + 1 }, (_, index) => span[0] + index)
  }

  /** @param {string | undefined} node @param {Partial<import('./results.mjs').Result>} more */
  #note(node, more) {
    if (node === undefined || node === null) return
    this.#made.set(String(node), { files: [], ...this.#made.get(String(node)), ...more })
    this.options.onChange()
  }

  /** What the nodes of these lines made, at the end of each call. @param {Record<string, [number, number]>} lines @returns {Map<number, import('./results.mjs').Result>} */
  results(lines) {
    return new Map([...this.#made].flatMap(([node, result]) => (lines[node] && isSeen(result) ? [[lines[node][1], result]] : [])))
  }

  /** Another graph: what was made, and what runs, is not of its nodes. */
  forget() {
    this.#made.clear()
    this.progress = noProgress(this.progress.prompt)
  }

  /** @param {string | undefined} prompt */
  #start(prompt) {
    this.progress = noProgress(prompt)
    if (prompt && !this.#tabs.has(prompt)) this.#tabs.set(prompt, openTab())
    for (const old of [...this.#tabs.keys()].slice(0, -40)) this.#tabs.delete(old)
    this.#began.clear()
    this.#finished.clear()
    this.options.onChange()
  }

  /** @param {any} detail */
  #cached(detail) {
    for (const node of detail?.nodes ?? []) {
      this.#finished.add(String(node))
      for (const line of this.#lines(detail.prompt_id, node)) this.progress.done.add(line)
    }
    this.options.onChange()
  }

  /** @param {any} detail */
  #state(detail) {
    if (!detail?.nodes) return
    if (this.progress.prompt === undefined) this.#start(detail.prompt_id)
    if (!this.#isHere(detail.prompt_id)) return
    const running = new Map()
    for (const [id, state] of Object.entries(detail.nodes)) {
      this.#time(id, state.state)
      if (state.state === 'finished') this.#finished.add(id)
      const shown = this.#lines(detail.prompt_id, state.display_node_id ?? id)
      for (const line of shown.length ? shown : this.#lines(detail.prompt_id, id)) {
        if (state.state === 'finished') this.progress.done.add(line)
        else if (state.state === 'running') running.set(line, state.max > 1 ? state.value / state.max : null)
      }
    }
    for (const line of running.keys()) this.progress.done.delete(line)
    this.progress.running = running
    this.progress.far = this.#far(detail)
    this.options.onChange()
  }

  /** At the end of a call: `3/30` of the nodes that a loop makes of it, else of the steps of its node. @param {any} detail @returns {Map<number, string>} */
  #far({ prompt_id: prompt, nodes }) {
    /** @type {Map<number, string[]>} */
    const byLine = new Map()
    for (const [id, span] of Object.entries(this.#own.get(prompt) ?? this.options.graphLines())) {
      const line = Array.isArray(span) ? span[1] : span
      const ids = byLine.get(line)
      if (ids) ids.push(id)
      else byLine.set(line, [id])
    }
    const far = new Map()
    for (const [line, ids] of byLine) {
      const done = ids.filter(id => this.#finished.has(id)).length
      const now = ids.map(id => nodes[id]).find(state => state?.state === 'running')
      if (ids.length > 1 && done < ids.length && (done || now)) far.set(line, `${done}/${ids.length}`)
      else if (ids.length === 1 && now?.max > 1) far.set(line, `${now.value}/${now.max}`)
    }
    return far
  }

  /** @param {string} node @param {string} state */
  #time(node, state) {
    const now = performance.now()
    const began = this.#began.get(node)
    if (state === 'running' && began === undefined) this.#began.set(node, now)
    if (state !== 'finished' || began === undefined) return
    this.#began.delete(node)
    this.#made.set(node, { files: [], ...this.#made.get(node), seconds: Math.round((now - began) / 100) / 10 })
  }

  /** @param {string | undefined} prompt */
  #end(prompt) {
    this.progress = noProgress()
    this.options.onChange()
    this.options.onEnd(prompt)
  }

  destroy() {
    this.#listeners.removeAll()
  }
}
