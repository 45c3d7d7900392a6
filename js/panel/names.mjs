// Names that a script gives to things, as far as they can be used at a place.
import { syntaxTree } from '../vendor/codemirror.mjs'

/** @param {any} state @param {number} pos @returns {string[]} */
export function names(state, pos) {
  /** @type {Set<string>} */
  const found = new Set()
  syntaxTree(state).iterate({
    enter(/** @type {any} */ at) {
      const { node } = at
      const inside = at.from <= pos && pos <= at.to
      if (at.name === 'FunctionDefinition') {
        const name = node.getChild('VariableName')
        if (name) found.add(state.sliceDoc(name.from, name.to))
        if (!inside) return false
        for (const parameter of parameters(node.getChild('ParamList'))) found.add(state.sliceDoc(parameter.from, parameter.to))
      } else if (at.name === 'AssignStatement' && !inside) {
        for (const target of before(node, 'AssignOp')) found.add(state.sliceDoc(target.from, target.to))
      } else if (at.name === 'ForStatement') {
        for (const target of before(node, 'in')) found.add(state.sliceDoc(target.from, target.to))
      } else if (at.name === 'ArgList' || at.name === 'ParamList') return false
      return undefined
    },
  })
  found.delete('_')
  return [...found]
}

/** What a function is given: not the defaults. @param {any} list */
function* parameters(list) {
  for (let child = list?.firstChild; child; child = child.nextSibling) {
    if (child.name === 'VariableName' && child.prevSibling?.name !== 'AssignOp') yield child
  }
}

/** The names before the last such word. @param {any} statement @param {string} word */
function* before(statement, word) {
  let end = statement.lastChild
  while (end && end.name !== word) end = end.prevSibling
  if (!end) return
  for (let child = statement.firstChild; child && child.from < end.from; child = child.nextSibling) {
    if (child.name === 'VariableName') yield child
    else if (/Tuple|Array/.test(child.name)) yield* child.getChildren('VariableName')
  }
}
