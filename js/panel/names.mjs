// Names that a script gives to things, as far as they can be used at a place.
import { EditorSelection, syntaxTree } from '../vendor/codemirror.mjs'

/** @param {any} state @param {number} pos @returns {Map<string, 'function' | 'variable'>} */
export function names(state, pos) {
  /** @type {Map<string, 'function' | 'variable'>} */
  const found = new Map()
  syntaxTree(state).iterate({
    enter(/** @type {any} */ at) {
      const { node } = at
      const inside = at.from <= pos && pos <= at.to
      if (at.name === 'FunctionDefinition') {
        const name = node.getChild('VariableName')
        if (name) found.set(state.sliceDoc(name.from, name.to), 'function')
        if (!inside) return false
        for (const parameter of parameters(node.getChild('ParamList'))) found.set(state.sliceDoc(parameter.from, parameter.to), 'variable')
      } else if (at.name === 'AssignStatement' && !inside) {
        for (const target of before(node, 'AssignOp')) found.set(state.sliceDoc(target.from, target.to), 'variable')
      } else if (at.name === 'ForStatement') {
        for (const target of before(node, 'in')) found.set(state.sliceDoc(target.from, target.to), 'variable')
      } else if (at.name === 'ArgList' || at.name === 'ParamList') return false
      return undefined
    },
  })
  found.delete('_')
  return found
}

/** All places of the name at the cursor, within the function that has it: with a cursor at each it is renamed at once. @param {any} view */
export function selectName(view) {
  const { state } = view
  const { head } = state.selection.main
  const tree = syntaxTree(state)
  /** @type {any} */
  const at = [tree.resolveInner(head, 1), tree.resolveInner(head, -1)].find(node => node.name === 'VariableName')
  if (!at || (at.nextSibling?.name === 'AssignOp' && at.parent.name === 'ArgList')) return false
  const name = state.sliceDoc(at.from, at.to)
  let scope = at.parent
  while (scope.parent && !(scope.name === 'FunctionDefinition' && binds(state, scope, name))) scope = scope.parent
  /** @type {any[]} */
  const ranges = []
  tree.iterate({
    from: scope.from, to: scope.to,
    enter(/** @type {any} */ one) {
      const { node } = one
      // A function that has a name of its own so called, or an input of a node.
      const own = scope.name === node.name && scope.from === node.from
      if (node.name === 'FunctionDefinition' && !own && binds(state, node, name)) return false
      const keyword = node.parent?.name === 'ArgList' && node.nextSibling?.name === 'AssignOp'
      if (node.name === 'VariableName' && !keyword && state.sliceDoc(node.from, node.to) === name) ranges.push(EditorSelection.range(node.from, node.to))
      return undefined
    },
  })
  const main = ranges.findIndex(range => range.from === at.from)
  view.dispatch({ selection: EditorSelection.create(ranges, Math.max(0, main)), userEvent: 'select.name' })
  return ranges.length > 0
}

/** Whether a function has a parameter or variable of this name. @param {any} state @param {any} definition @param {string} name */
function binds(state, definition, name) {
  for (const parameter of parameters(definition.getChild('ParamList'))) if (state.sliceDoc(parameter.from, parameter.to) === name) return true
  let found = false
  definition.getChild('Body')?.cursor().iterate((/** @type {any} */ at) => {
    if (at.name !== 'AssignStatement' && at.name !== 'ForStatement') return undefined
    for (const target of before(at.node, at.name === 'ForStatement' ? 'in' : 'AssignOp')) found ||= state.sliceDoc(target.from, target.to) === name
    return undefined
  })
  return found
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
