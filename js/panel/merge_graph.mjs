// The graph's changes merged into an edited text, and what that is to be trusted for: Apply must do what it did before.
import { merge } from './merge.mjs'
import * as server from './server.mjs'

/** @typedef {import('./server.mjs').Edit} Edit */

/**
 * @param {import('./state.mjs').State} state @param {string} text what was typed
 * @returns {Promise<import('./merge.mjs').Merged | undefined>} nothing where a person has to look
 */
export async function mergeWithGraph(state, text) {
  const { editedFrom, editedGraph, graph, base } = state
  const merged = merge(editedFrom, text, base.script)
  if (!merged || !graph) return undefined
  if (merged.literal) return merged
  if (!editedGraph) return undefined
  const [before, after] = await Promise.all([
    server.planApply({ ...editedGraph, script: text }),
    server.planApply({ ...graph, script: merged.text }),
  ])
  if (before.errors || after.errors) return undefined
  const meant = new Set(before.edits.map(nameOf))
  return after.edits.every(edit => meant.has(nameOf(edit))) ? merged : undefined
}

/** @param {Edit} edit */
const nameOf = ({ op, node, input, value, from, type }) => JSON.stringify([op, node, input, value, from, type])
