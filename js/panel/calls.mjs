// The node call around a place in a script.
import { syntaxTree } from '../vendor/codemirror.mjs'

/** @typedef {import('./help.mjs').Catalog} Catalog */

/** @param {any} node @param {string} name */
function ancestor(node, name) {
  for (let at = node; at; at = at.parent) if (at.name === name) return at
  return null
}

/** The call around a place: its node, and which argument the place is in. @param {any} state @param {number} pos @param {Catalog} catalog */
export function callAt(state, pos, catalog) {
  const args = ancestor(syntaxTree(state).resolveInner(pos, -1), 'ArgList')
  const call = args?.parent
  if (call?.name !== 'CallExpression' || pos <= args.from) return undefined
  const name = state.sliceDoc(call.firstChild.from, call.firstChild.to)
  const info = catalog.nodes[name]
  if (!info) return undefined
  let position = 0
  /** @type {string | undefined} */
  let keyword
  const given = new Set()
  for (let child = args.firstChild; child; child = child.nextSibling) {
    if (child.name === ',' && child.to <= pos) { position++; keyword = undefined }
    if (child.name === 'VariableName' && child.nextSibling?.name === 'AssignOp') {
      const word = state.sliceDoc(child.from, child.to)
      given.add(word)
      if (child.to < pos && !given.has('')) keyword = child.nextSibling.to <= pos && keywordStillOpen(child, pos) ? word : keyword
    }
  }
  const input = keyword ? info.inputs.find(one => one.name === keyword) : info.inputs.filter(one => !one.name.includes('__'))[position]
  return { name, info, input, given, byKeyword: Boolean(keyword), from: call.from }
}

/** @param {any} word @param {number} pos */
function keywordStillOpen(word, pos) {
  for (let child = word.nextSibling; child; child = child.nextSibling) if (child.name === ',') return child.from >= pos
  return true
}

/** The input whose value, as it is written, is at a place: a number, a text, a choice. @param {any} state @param {number} pos @param {Catalog} catalog */
export function valueInCall(state, pos, catalog) {
  const tree = syntaxTree(state)
  const isValue = [1, -1].some(side => /^(?:Number|Boolean|String|FormatString|ContinuedString)$/.test(tree.resolveInner(pos, /** @type {1 | -1} */ (side)).name))
  const call = isValue ? callAt(state, pos, catalog) : undefined
  return call?.input ? { type: call.info.type, input: call.input.name.replaceAll('__', '.') } : undefined
}
