// Completion and hover help from the server's schemas.
import { insertBracket, insertCompletionText, pickedCompletion, syntaxTree } from '../vendor/codemirror.mjs'
import { callAt } from './calls.mjs'
import { shownDefinition } from './comfy.mjs'
import { describeInput, describeNode, literal } from './help.mjs'
import { isModelFile, mayHavePicture, pictureOf } from './model_pictures.mjs'
import { names } from './names.mjs'

/** @typedef {import('./help.mjs').Catalog} Catalog */

const KEYWORDS = ['def', 'for', 'in', 'if', 'else', 'elif', 'while', 'return', 'True', 'False', 'None']
const BUILT_IN = ['range', 'print', 'len', 'enumerate', 'zip']

/** @param {() => Promise<Catalog>} load */
export function completion(load) {
  /** @param {any} context */
  return async context => {
    const inside = syntaxTree(context.state).resolveInner(context.pos, -1)
    if (inside.name === 'Comment') return null
    const catalog = await load().catch(() => undefined)
    if (!catalog || context.aborted) return null
    const call = callAt(context.state, context.pos, catalog)
    const choices = call?.input?.choices === undefined ? [] : catalog.choices[call.input.choices]
    if (inside.name === 'String') return choices.length ? stringChoices(context, inside, choices, call?.input?.name ?? '') : null
    const word = context.matchBefore(/[\p{L}\p{N}_]*/u)
    if (!context.explicit && (!word || word.from === word.to) && !choices.length) return null
    if (!context.explicit && word.from === word.to && context.matchBefore(/[(,=]\s*$/) === null) return null
    const known = names(context.state, context.pos)
    // Whoever has written a name out wants the next line by Enter, not another name.
    if (!context.explicit && known.has(word?.text ?? '')) return null
    const options = [
      ...choices.map((choice, index) => ({ label: literal(choice), type: 'enum', boost: 50 - index / 1e4, info: picture(call?.input?.name ?? '', choice) })),
      ...(call && !call.byKeyword ? call.info.inputs.filter(one => !call.given.has(one.name)).map((one, index) => ({
        label: `${one.name}=`, detail: one.type, type: 'property', boost: 20 - index / 1e3, info: () => describeInput(one, catalog),
      })) : []),
      ...[...known].map(([label, type]) => ({ label, type, boost: 10, ...(type === 'function' ? called(label) : {}) })),
      ...nodeOptions(catalog),
      ...KEYWORDS.map(label => ({ label, type: 'keyword', boost: -10 })),
      ...BUILT_IN.map(label => ({ label, type: 'keyword', boost: -10, ...called(label) })),
    ]
    return { from: word?.from ?? context.pos, options, validFor: (/** @type {string} */ text) => /^[\p{L}\p{N}_]*$/u.test(text) && !known.has(text) }
  }
}

/** What is completed to a call: its brackets are put as if one was typed, so that its inputs are shown. @param {string} name */
const called = name => ({
  apply(/** @type {any} */ view, /** @type {any} */ option, /** @type {number} */ from, /** @type {number} */ to) {
    const line = view.state.doc.lineAt(to)
    const rest = view.state.sliceDoc(to, line.to)
    view.dispatch({ ...insertCompletionText(view.state, name, from, to), annotations: pickedCompletion.of(option) })
    const brackets = /^\s*\(|^[\p{L}\p{N}_]/u.test(rest) ? null : insertBracket(view.state, '(')
    if (brackets) view.dispatch(brackets)
  },
})

/** The picture beside a choice, where it can have one. @param {string} input @param {any} choice */
const picture = (input, choice) => (mayHavePicture(input, choice) ? () => pictureOf(input, choice) : undefined)

/** @param {any} context @param {any} string @param {any[]} choices @param {string} input */
function stringChoices(context, string, choices, input) {
  const quote = context.state.sliceDoc(string.from, string.from + 1)
  const closed = string.to - string.from > 1 && context.state.sliceDoc(string.to - 1, string.to) === quote
  const to = closed ? string.to - 1 : string.to
  return {
    from: string.from + 1,
    to,
    options: choices.filter(choice => typeof choice === 'string').map((choice, index) => ({ label: choice, apply: literal(choice).slice(1, -1), type: 'enum', boost: -index / 1e4, info: picture(input, choice) })),
    validFor: /^[^'"\n]*$/,
  }
}

/** @type {WeakMap<Catalog, any[]>} */
const options = new WeakMap()

/** @param {Catalog} catalog */
function nodeOptions(catalog) {
  let found = options.get(catalog)
  if (!found) {
    found = Object.entries(catalog.nodes).flatMap(([label, info]) => {
      const title = shownDefinition(info.type)?.display_name ?? info.title
      const option = { label, detail: title === info.type ? info.category : title, type: 'function', boost: info.deprecated ? -20 : 0, info: () => describeNode(label, info, catalog), ...called(label) }
      // Whoever writes in another script finds a node by its name there.
      return /^[^\x20-\x7f]/.test(title) ? [option, { ...option, label: title, detail: label, boost: option.boost - 1 }] : [option]
    })
    options.set(catalog, found)
  }
  return found
}

/** @param {() => Promise<Catalog>} load */
export function hover(load) {
  /** @param {any} view @param {number} pos */
  return async (view, pos) => {
    const at = syntaxTree(view.state).resolveInner(pos, 1)
    if (at.name === 'String') return hoverModel(view.state, at, load)
    if (at.name !== 'VariableName') return null
    const catalog = await load().catch(() => undefined)
    if (!catalog) return null
    const name = view.state.sliceDoc(at.from, at.to)
    const info = Object.hasOwn(catalog.nodes, name) ? catalog.nodes[name] : undefined
    if (info && at.nextSibling?.name !== 'AssignOp') return { pos: at.from, end: at.to, create: () => ({ dom: describeNode(name, info, catalog) }) }
    if (at.nextSibling?.name !== 'AssignOp') return null
    const input = callAt(view.state, at.to, catalog)?.info.inputs.find(one => one.name === name)
    return input ? { pos: at.from, end: at.to, create: () => ({ dom: describeInput(input, catalog) }) } : null
  }
}

/** The picture of a model whose name is under the pointer. @param {any} state @param {any} string @param {() => Promise<Catalog>} load */
async function hoverModel(state, string, load) {
  const value = state.sliceDoc(string.from + 1, string.to - 1)
  if (!isModelFile(value)) return null
  const catalog = await load().catch(() => undefined)
  const input = catalog && callAt(state, string.to, catalog)?.input
  const dom = input?.choices === undefined || !mayHavePicture(input.name, value) ? null : await pictureOf(input.name, value)
  return dom && { pos: string.from, end: string.to, create: () => ({ dom }) }
}
