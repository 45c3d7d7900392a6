// Queues the graph, or a script as the graph that Apply would make of it. ComfyUI's own Run does it either way: so what it
// does when queueing holds (texts with choices, dates, seeds that go on, the batch count), and what other packs add to it.
import { api, app, serialize } from './comfy.mjs'
import { openGraph } from './graph_script.mjs'
import * as server from './server.mjs'
import { Trial, TrialError } from './trial.mjs'

/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */
/** @typedef {import('./run.mjs').Lines} Lines */
/** `unread`: no script; `refused`: what ComfyUI does not take of it; `queued`: the jobs. */
/** @typedef {{ unread?: ScriptErrorJson[], refused: ScriptErrorJson[], queued: { prompt: string, lines: Lines }[] }} Answer */

/** What ComfyUI's own Run does, as often as its batch count says. */
export const queueGraph = () => app.extensionManager.command.execute('Comfy.QueuePrompt')

/** What ComfyUI did not take of the graph when it was queued last. @param {Lines} lines */
export const refusedOfGraph = lines => refusals({ node_errors: app.lastNodeErrors }, lines)

/**
 * @param {string} script
 * @param {Exclude<import('./server.mjs').Plan, { errors: ScriptErrorJson[] }>} plan what Apply would do with it
 * @returns {Promise<Answer>}
 */
export async function queueScript(script, plan) {
  const trial = new Trial(plan.edits)
  await untilIdle()
  trial.hold()
  try {
    return await queueTrial(script, plan, trial)
  } catch (error) {
    // What cannot be in this graph can still run.
    if (error instanceof TrialError) return queueAlone(script)
    throw error
  } finally {
    trial.release()
  }
}

/** @param {string} script @param {{ edits: import('./server.mjs').Edit[], lines: Lines }} plan @param {Trial} trial @returns {Promise<Answer>} */
async function queueTrial(script, plan, trial) {
  /** @type {Answer} */
  const answer = { refused: [], queued: [] }
  /** @type {WeakSet<object>} */
  const own = new WeakSet()
  /** @type {unknown} */
  let failure
  // ComfyUI works on everything that was queued meanwhile in one go: only the first jobs are this script's.
  let left = 0
  /** What the server said when it took nothing. @type {any} */
  let refusal
  const values = trial.values()
  const giveBack = [
    borrow(app, 'queuePrompt', original => (/** @type {any} */ number, /** @type {any} */ count = 1, /** @type {any[]} */ ...rest) => {
      left = count
      return original(number, count, ...rest)
    }),
    borrow(app, 'graphToPrompt', original => async (/** @type {any[]} */ ...args) => {
      if (left-- <= 0) return original(...args)
      try {
        const made = await trial.during(() => original(...args))
        made.workflow.extra = { ...made.workflow.extra, comfyscript: { text: script } }
        own.add(made.output)
        return made
      } catch (error) {
        failure = error
        left = 0
        throw error
      }
    }),
    borrow(api, 'queuePrompt', original => async (/** @type {any} */ number, /** @type {any} */ data, /** @type {any[]} */ ...rest) => {
      if (!own.has(data?.output)) return original(number, data, ...rest)
      // So it would say of the rest of a batch.
      if (refusal) return refusal
      const lines = linesOf(plan, trial)
      try {
        const job = await original(number, data, ...rest)
        answer.queued.push({ prompt: job.prompt_id, lines })
        answer.refused = refusals(job, lines)
        return job
      } catch (error) {
        const refused = refusals(/** @type {any} */ (error)?.response, lines)
        if (!refused.length) throw error
        answer.refused = refused
        // They are shown at their lines, so that no dialog is needed.
        refusal = { node_errors: /** @type {any} */ (error).response.node_errors }
        return refusal
      }
    }),
  ]
  try {
    await queueGraph()
  } finally {
    for (const off of giveBack) off()
    // ComfyUI takes it for queued, and has gone on to the next seeds.
    if (refusal && !answer.queued.length) values.giveBack()
  }
  if (failure) throw failure
  return answer
}

/** Puts another function in a method's place. @param {any} object @param {string} name @param {(original: any) => any} make @returns {() => void} */
function borrow(object, name, make) {
  const had = Object.hasOwn(object, name)
  const original = object[name]
  const lent = make(original.bind(object))
  object[name] = lent
  return () => {
    // Whoever came after us keeps what they put there.
    if (object[name] !== lent) return
    if (had) object[name] = original
    else delete object[name]
  }
}

async function untilIdle() {
  for (let tries = 0; /** @type {any} */ (app).processingQueue && tries < 200; tries++) await new Promise(resolve => setTimeout(resolve, 50))
}

/** Prompt id → lines, also of the nodes that the trial added. @param {{ edits: import('./server.mjs').Edit[], lines: Lines }} plan @param {Trial} trial @returns {Lines} */
function linesOf(plan, trial) {
  const added = plan.edits.flatMap(({ op, node, line }) => (op === 'add' && line && trial.added[node] ? [[trial.added[node], line]] : []))
  return { ...plan.lines, ...Object.fromEntries(added) }
}

/** Errors of `POST /prompt` by the lines of the nodes that they name. @param {any} answer @param {Lines} lines @returns {ScriptErrorJson[]} */
function refusals(answer, lines) {
  const nodes = Object.entries(answer?.node_errors ?? {})
  return nodes.flatMap(([id, { errors = [] }]) => errors.map(/** @param {any} one */ one => ({
    line: [lines[id] ?? 1].flat()[0], column: 1, message: [one.message, one.details].filter(Boolean).join(': '),
  })))
}

/** @param {string} script @returns {Promise<Answer>} */
async function queueAlone(script) {
  const graph = await openGraph()
  const saved = serialize()
  const read = await server.readScript(script, graph)
  if (read.errors) return { unread: read.errors, refused: [], queued: [] }
  try {
    const workflow = { ...saved, extra: { ...saved.extra, comfyscript: { text: script } } }
    const job = await api.queuePrompt(0, { output: read.prompt, workflow })
    return { refused: refusals(job, read.lines), queued: [{ prompt: job.prompt_id, lines: read.lines }] }
  } catch (error) {
    const refused = refusals(/** @type {any} */ (error)?.response, read.lines)
    if (!refused.length) throw error
    return { refused, queued: [] }
  }
}
