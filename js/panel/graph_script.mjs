// The open graph as a script, asked of the server whenever the graph changes.
import { liveGraph, openTab, rootGraph, setting, workflowKey, writtenText } from './comfy.mjs'
import { debounce } from './dom.mjs'
import { loaded } from './loading.mjs'
import * as server from './server.mjs'

/** How scripts are written. */
export const style = () => ({ soft_wrap: true, args: setting('ComfyScript.Style.Args', 'auto'), notes: setting('ComfyScript.Style.Notes', false) })

/** @typedef {Awaited<ReturnType<typeof openGraph>>} AskedGraph */
/** @typedef {{ key: string, tab: object | undefined, graph: AskedGraph }} ScriptPlace The workflow, and the graph whose script it is. */

/** The open graph, as the server is asked about it. */
export async function openGraph() {
  await loaded()
  return { workflow: await liveGraph(), style: style(), text: writtenText() }
}

/** As often a graph that changes again and again is waited for. */
const ROUNDS = 4

export class GraphScript {
  #state
  #options
  /** @type {Promise<void> | undefined} */
  #asking
  #again = false
  /** Of the graph that was asked about last, or whose change is asked about soon. */
  #version = -1
  #soon = debounce(() => void this.refresh(), 16, 100)
  /** Time of the last refresh in ms: whole, and of it in the server's hands. */
  timing = { total: 0, server: 0, page: 0 }

  /**
   * @param {import('./state.mjs').State} state
   * @param {{ onScript: (script: import('./server.mjs').ScriptJson, at: ScriptPlace) => void, onState: () => void }} options
   */
  constructor(state, options) {
    this.#state = state
    this.#options = options
  }

  /** The graph has changed, or may have. @param {boolean} [now] also where live refresh is off */
  changed(now = false) {
    const state = this.#state
    if (state.applying || state.closed) return
    if (now || setting('ComfyScript.Panel.LiveRefresh', true) || workflowKey() !== state.key) this.#soon()
    else {
      state.stale = true
      this.#options.onState()
    }
  }

  /** Looks for what no event tells. */
  look() {
    // A loaded workflow is announced before it is the active one.
    if (workflowKey() !== this.#state.key && !this.#asking) this.changed(true)
    const version = rootGraph()?._version
    if (version === this.#version) return
    this.#version = version
    this.changed()
  }

  /** Until the script is that of the graph as it is now, as far as anything is known to have changed. */
  async settled() {
    this.look()
    // Some graphs never rest.
    for (let round = 0; round < ROUNDS && !this.#state.closed && (this.#asking || this.#soon.isDue()); round++) {
      if (this.#soon.isDue() && !this.#asking) {
        this.#soon.cancel()
        void this.refresh()
      }
      await this.#asking
    }
  }

  async refresh() {
    if (this.#asking) {
      this.#again = true
      return
    }
    this.#asking = this.#refresh()
    await this.#asking
  }

  async #refresh() {
    const state = this.#state
    try {
      await this.#ask()
    } catch (error) {
      state.failed = error instanceof Error ? error.message : String(error)
    } finally {
      this.#asking = undefined
      state.loaded = true
      if (this.#again && !state.closed) {
        this.#again = false
        this.#soon()
      }
    }
    if (!state.closed) this.#options.onState()
  }

  async #ask() {
    const started = performance.now()
    const graph = await openGraph()
    this.#version = rootGraph()?._version
    const key = workflowKey()
    const tab = openTab()
    const sent = performance.now()
    const script = await server.transpile(graph)
    if (this.#state.closed) return
    const answered = performance.now()
    this.#state.failed = ''
    this.#state.stale = false
    this.#options.onScript(script, { key, tab, graph })
    const ended = performance.now()
    this.timing = { total: ended - started, server: answered - sent, page: sent - started + ended - answered }
  }

  destroy() {
    this.#soon.cancel()
  }
}
