// The routes of docs/routes.md.
import { api } from './comfy.mjs'
import { SentGraph } from './sent_graph.mjs'
import { t } from './text.mjs'

/** @typedef {{ line: number, column: number, message: string, endColumn?: number, fix?: any }} ScriptErrorJson `fix`: a value to put there instead. */
/** @typedef {{ script: string, lines: Record<string, [number, number]>, warnings: string[], source?: string, saved?: string, text?: 'kept' | 'changed' | 'rewritten', differs?: Difference[], problems?: ScriptErrorJson[], printed?: Record<string, string> }} ScriptJson `text`: what became of the text that was sent along; `differs`: where it computes other values than the graph has; `problems`: what ComfyUI would refuse to run; `printed`: by line. */
/** @typedef {{ node: string, input: string, value: any, line: number }} Difference The graph's value. */
/** @typedef {{ op: 'add' | 'remove' | 'mode' | 'set' | 'connect' | 'disconnect', node: string, line: number | null, input?: string, value?: any, from?: [string, number], type?: string, title?: string | null, parent?: string, group?: string | null, like?: string | null }} Edit */
/** @typedef {{ edits: Edit[], lines: Record<string, [number, number]>, nodes?: Record<string, string>, warnings: ScriptErrorJson[], printed?: Record<string, string>, errors?: undefined } | { errors: ScriptErrorJson[] }} Plan `nodes`: node of the script → graph id or added one. */
/** @typedef {{ prompt: any, workflow: any, lines: Record<string, number>, errors?: undefined } | { errors: ScriptErrorJson[] }} PromptJson */
/** @typedef {{ filename: string, subfolder?: string, type?: string }} FileRef */

/** A request that the server refused, with the server's reason. */
export class ServerError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** Each browser has words of its own for it. @param {unknown} error @returns {never} */
function noAnswer(error) {
  throw error instanceof TypeError ? new Error(t('state.unreachable'), { cause: error }) : error
}

/** @param {string} route @param {RequestInit} [options] @returns {Promise<any>} */
async function ask(route, options = {}) {
  const response = await api.fetchApi(route, { cache: 'no-store', ...options }).catch(noAnswer)
  const data = await response.json().catch(() => undefined)
  if (!response.ok || data === undefined) throw new ServerError(response.status, data?.error ?? `${response.status} ${response.statusText}`)
  return data
}

const graphs = new SentGraph()

/** @param {string} route @param {string} body @param {AbortSignal} [signal] */
const postText = (route, body, signal) => ask(route, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal })

/** @param {string} route @param {any} data @param {AbortSignal} [signal] @returns {Promise<any>} */
async function post(route, data, signal) {
  if (!data.workflow) return postText(route, JSON.stringify(data), signal)
  const { body, answered } = graphs.write(data)
  try {
    const answer = await postText(route, body, signal)
    answered()
    return answer
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== 409) throw error
    graphs.forget()
    return postText(route, JSON.stringify(data), signal)
  }
}

/** @param {{ workflow?: any, prompt?: any, style?: any, text?: string }} data @param {AbortSignal} [signal] @returns {Promise<ScriptJson>} */
export const transpile = (data, signal) => post('/comfyscript/transpile', data, signal)

/** @param {string} script @param {{ workflow?: any, style?: any, text?: string }} [graph] whose ids the nodes keep; there is no workflow in the answer then @returns {Promise<PromptJson>} */
export const readScript = (script, graph) => post('/comfyscript/prompt', { ...graph, script })

/** @param {{ workflow: any, script: string, style?: any, text?: string, nodes?: Record<string, string> }} data @param {AbortSignal} [signal] @returns {Promise<Plan>} */
export const planApply = (data, signal) => post('/comfyscript/apply', data, signal)

/** @param {string} script @returns {Promise<{ script: string } | { errors: ScriptErrorJson[] }>} */
export const runnable = script => post('/comfyscript/runnable', { script })

/** @param {{ script: string, lines: number[], errors: { line: number, message: string }[] }} data @returns {Promise<{ text: string }>} */
export const forAgent = data => post('/comfyscript/for_agent', data)

/** @param {{ workflow: any, nodes: string[], style?: any }} data @returns {Promise<{ script: string, inputs: { name: string, type: string, from: [string, number] }[], outputs: { type: string, from: [string, number], to: [string, string][] }[] }>} */
export const planNode = data => post('/comfyscript/node', data)

/** @param {FileRef} file @param {string} args @returns {Promise<ScriptJson>} */
export const scriptOfOutput = (file, args) => ask(`/comfyscript/output?${query({ ...file, args, soft_wrap: '1' })}`)

/** @param {File} file @param {string} args @returns {Promise<ScriptJson>} */
export const scriptOfFile = (file, args) =>
  ask(`/comfyscript/file?${query({ filename: file.name, args, soft_wrap: '1' })}`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file })

/** @param {{ token: string } & Record<string, any>} answer what the page answers to an agent */
export const answerAgent = answer => post('/comfyscript/agent/answer', answer)

/** Fails where nobody waits any more for what an agent has asked. @param {string} token */
export const beginForAgent = token => post('/comfyscript/agent/begin', { token })

/** @type {Promise<import('./help.mjs').Catalog> | undefined} */
let catalog

/** Asked for once per page, again only where that failed. @returns {Promise<import('./help.mjs').Catalog>} */
export function schemas() {
  catalog ??= ask('/comfyscript/schemas', { cache: 'default' })
  catalog.catch(() => { catalog = undefined })
  return catalog
}

/** @returns {Promise<Record<string, any>>} */
export const history = () => ask('/history?max_items=48')

/** @param {Record<string, string | undefined>} values */
const query = values => new URLSearchParams(Object.entries(values).filter(/** @returns {entry is [string, string]} */ entry => entry[1] !== undefined)).toString()

/** @param {FileRef} file @param {string} [preview] */
export const viewUrl = (file, preview) =>
  api.apiURL(`/view?${query({ filename: file.filename, subfolder: file.subfolder ?? '', type: file.type ?? 'output', preview })}`)
