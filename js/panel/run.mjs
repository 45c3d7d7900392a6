// Which line runs: ComfyUI's progress messages, by the lines of the script that was queued.
import { api } from './comfy.mjs'
import { Listeners } from './dom.mjs'

/** @typedef {{ running: Map<number, number | null>, done: Set<number>, prompt: string | undefined }} Progress */
/** @typedef {Record<string, [number, number] | number>} Lines */

export class Runs {
  #listeners = new Listeners()
  /** @type {Map<string, Lines>} */
  #own = new Map()
  /** @type {Progress} */
  progress = { running: new Map(), done: new Set(), prompt: undefined }

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
    on('execution_success', detail => this.#end(detail?.prompt_id))
    on('execution_interrupted', detail => this.#end(detail?.prompt_id))
    on('execution_error', detail => {
      this.#end(detail?.prompt_id)
      this.options.onError(this.#line(detail?.prompt_id, detail?.node_id), `${detail?.exception_message ?? 'error'}`.trim())
    })
  }

  get busy() {
    return this.progress.prompt !== undefined
  }

  /** The lines of a prompt that the panel queued itself. @param {string} prompt @param {Lines} lines */
  queued(prompt, lines) {
    this.#own.set(prompt, lines)
    for (const old of [...this.#own.keys()].slice(0, -20)) this.#own.delete(old)
  }

  /** @param {string | undefined} prompt @param {string} node */
  #line(prompt, node) {
    const lines = this.#own.get(prompt ?? '') ?? this.options.graphLines()
    const line = lines[node]
    return Array.isArray(line) ? line[0] : line
  }

  /** @param {string | undefined} prompt */
  #start(prompt) {
    this.progress = { running: new Map(), done: new Set(), prompt }
    this.options.onChange()
  }

  /** @param {any} detail */
  #cached(detail) {
    for (const node of detail?.nodes ?? []) {
      const line = this.#line(detail.prompt_id, node)
      if (line) this.progress.done.add(line)
    }
    this.options.onChange()
  }

  /** @param {any} detail */
  #state(detail) {
    if (!detail?.nodes) return
    if (this.progress.prompt === undefined) this.#start(detail.prompt_id)
    const running = new Map()
    for (const [id, state] of Object.entries(detail.nodes)) {
      const line = this.#line(detail.prompt_id, state.display_node_id ?? id) ?? this.#line(detail.prompt_id, id)
      if (!line) continue
      if (state.state === 'finished') this.progress.done.add(line)
      else if (state.state === 'running') running.set(line, state.max > 1 ? state.value / state.max : null)
    }
    for (const line of running.keys()) this.progress.done.delete(line)
    this.progress.running = running
    this.options.onChange()
  }

  /** @param {string | undefined} prompt */
  #end(prompt) {
    this.progress = { running: new Map(), done: new Set(), prompt: undefined }
    this.options.onChange()
    this.options.onEnd(prompt)
  }

  destroy() {
    this.#listeners.removeAll()
  }
}
