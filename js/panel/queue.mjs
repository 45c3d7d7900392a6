// Queues what a script says, whatever the graph is.
import { api } from './comfy.mjs'
import * as server from './server.mjs'

/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */
/** @typedef {{ prompt: string, lines: Record<string, number>, unread?: undefined, refused?: undefined }} Queued */
/** @typedef {Queued | { unread: ScriptErrorJson[], refused?: undefined } | { refused: ScriptErrorJson[], unread?: undefined }} Answer `unread`: no script; `refused`: ComfyUI does not take its nodes so. */

/** @param {string} script @returns {Promise<Answer>} */
export async function queueScript(script) {
  const read = await server.readScript(script)
  if (read.errors) return { unread: read.errors }
  try {
    const { prompt_id: prompt } = await api.queuePrompt(0, { output: read.prompt, workflow: read.workflow })
    return { prompt, lines: read.lines }
  } catch (error) {
    const refused = refusals(error, read.lines)
    if (!refused.length) throw error
    return { refused }
  }
}

/** Errors of `POST /prompt` by the lines of the nodes that they name. @param {any} error @param {Record<string, number>} lines @returns {ScriptErrorJson[]} */
function refusals(error, lines) {
  const nodes = Object.entries(error?.response?.node_errors ?? {})
  return nodes.flatMap(([id, { errors = [] }]) => errors.map(/** @param {any} one */ one => ({ line: lines[id] ?? 1, column: 1, message: [one.message, one.details].filter(Boolean).join(': ') })))
}
