// What an agent asks of this page, through the server: what is open here, and to make it what a script says. That is
// the panel's own Apply, whether the panel is open or not.
import { busyPanel, noteChange, panelWaits } from './agent_changes.mjs'
import { applyScript } from './apply_script.mjs'
import { app, openTab, page, setting, workflowName } from './comfy.mjs'
import { openGraph } from './graph_script.mjs'
import { loaded } from './loading.mjs'
import { mergeWithGraph } from './merge_graph.mjs'
import { refusedOfGraph } from './queue.mjs'
import { selectedLines } from './selection.mjs'
import * as server from './server.mjs'
import { State } from './state.mjs'
import { loadWords } from './text.mjs'

/** @typedef {{ token: string, ask: 'open_graph' | 'apply', agent: string, script: string, read: string }} Question */
/** @typedef {{ tab: object | undefined, script: string, graph: import('./graph_script.mjs').AskedGraph }} Read */
/** Why an agent may not change the graph; the words are the agent's program's (agents/open_graph.py). @typedef {'off' | 'unread' | 'anew' | 'other' | 'moved' | 'busy' | 'failed'} Refusal */

const MOST_READS = 50
/** What agents have seen, by number: they change no other graph, and lose nothing that it has become since. @type {Map<string, Read>} */
const reads = new Map()
let count = 0
/** @type {Promise<unknown>} */
let last = Promise.resolve()

/** Answers one after the other. @param {Question} question */
export const answerAgent = question => (last = last.then(() => answer(question)))

/** @param {Question} question */
async function answer(question) {
  const found = await (question.ask === 'apply' ? apply(question) : look()).catch(error => ({ refused: 'failed', reason: error instanceof Error ? error.message : String(error) }))
  await server.answerAgent({ token: question.token, ...found }).catch(error => console.warn('ComfyScript: an agent got no answer', error))
}

/** @param {Read} read */
function remember(read) {
  const number = `${page}:${count++}`
  reads.set(number, read)
  for (const old of [...reads.keys()].slice(0, -MOST_READS)) reads.delete(old)
  return number
}

async function look() {
  const graph = await openGraph()
  const tab = openTab()
  const { script, lines, warnings, problems = [] } = await server.transpile(graph)
  return { read: remember({ tab, script, graph }), name: workflowName(), script, warnings, problems, selected: selectedLines(lines), errors: lastErrors(lines) }
}

/** What ComfyUI said of the last run. @param {Record<string, [number, number]>} lines */
function lastErrors(lines) {
  const failed = app.lastExecutionError
  const ran = failed ? [{ line: lines[failed.node_id]?.[0] ?? 1, column: 1, message: `${failed.node_type}: ${failed.exception_message}`.trim() }] : []
  return [...refusedOfGraph(lines), ...ran]
}

/** @param {Question} question */
async function apply({ token, script, read, agent }) {
  if (!setting('ComfyScript.Agents.Apply', true)) return { refused: 'off' }
  const known = reads.get(read)
  if (!known) return { refused: read ? 'anew' : 'unread' }
  if (known.tab !== openTab()) return { refused: 'other', name: workflowName() }
  if (await busyPanel()) return { refused: 'busy' }
  await loadWords()
  return panelWaits(() => change(known, script, agent, token))
}

/** @param {Read} known @param {string} script @param {string} agent @param {string} token */
async function change(known, script, agent, token) {
  const state = new State()
  const tab = openTab()
  const wanted = await withTheirs(state, known, script)
  if (wanted === undefined) return { refused: 'moved' }
  const plan = await server.planApply({ ...await openGraph(), script: wanted })
  if (plan.errors) return { errors: plan.errors }
  // An agent that was told that nothing came of it must find it so.
  await server.beginForAgent(token)
  await loaded()
  if (tab !== openTab()) return { refused: 'other', name: workflowName() }
  const taken = await applyScript(state, wanted, plan)
  const edits = plan.edits.map(({ op, node, line, input, value, type }) => ({ op, node, line, input, value, type }))
  if (edits.length) noteChange(agent, edits.length)
  const next = remember({ tab, script: state.base.script || wanted, graph: await openGraph() })
  return { read: next, edits, warnings: plan.warnings, notApplied: state.notApplied, ...(taken.length ? { script: state.base.script } : wanted === script ? {} : { script: wanted }) }
}

/** The agent's script with what the graph has become since it looked; nothing where a person has to decide. @param {State} state @param {Read} known @param {string} script */
async function withTheirs(state, known, script) {
  const graph = await openGraph()
  const base = await server.transpile(graph)
  if (base.script === known.script) return script
  Object.assign(state, { base, graph })
  state.startEdits(known.script, known.graph)
  const merged = await mergeWithGraph(state, script)
  state.forgetEdits()
  return merged && !merged.conflicts.length ? merged.text : undefined
}
