// Completion and hover help from the server's schemas.
import { syntaxTree } from '../vendor/codemirror.mjs'
import { h } from './dom.mjs'

/** @typedef {{ name: string, type: string, required: boolean, default?: any, choices?: number, min?: number, max?: number, tooltip?: string }} Input */
/** @typedef {{ type: string, title: string, description: string, category: string, deprecated: boolean, inputs: Input[], outputs: { name: string, type: string }[] }} NodeInfo */
/** @typedef {{ nodes: Record<string, NodeInfo>, choices: any[][] }} Catalog */

const KEYWORDS = ['def', 'for', 'in', 'if', 'else', 'elif', 'while', 'return', 'range', 'True', 'False', 'None', 'print', 'len', 'enumerate', 'zip']

/** @param {any} node @param {string} name */
function ancestor(node, name) {
  for (let at = node; at; at = at.parent) if (at.name === name) return at
  return null
}

/** The call around a place: its node, and which argument the place is in. @param {any} state @param {number} pos @param {Catalog} catalog */
function callAt(state, pos, catalog) {
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
  return { name, info, input, given, byKeyword: Boolean(keyword) }
}

/** @param {any} word @param {number} pos */
function keywordStillOpen(word, pos) {
  for (let child = word.nextSibling; child; child = child.nextSibling) if (child.name === ',') return child.from >= pos
  return true
}

/** @param {any} value */
const literal = value => (typeof value === 'string' ? `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n')}'` : value === true ? 'True' : value === false ? 'False' : value === null ? 'None' : JSON.stringify(value))

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
    if (inside.name === 'String') return choices.length ? stringChoices(context, inside, choices) : null
    const word = context.matchBefore(/[\p{L}\p{N}_]*/u)
    if (!context.explicit && (!word || word.from === word.to) && !choices.length) return null
    if (!context.explicit && word.from === word.to && context.matchBefore(/[(,=]\s*$/) === null) return null
    const options = [
      ...choices.map((choice, index) => ({ label: literal(choice), type: 'enum', boost: 50 - index / 1e4 })),
      ...(call && !call.byKeyword ? call.info.inputs.filter(one => !call.given.has(one.name)).map((one, index) => ({
        label: `${one.name}=`, detail: one.type, type: 'property', boost: 20 - index / 1e3, info: () => describeInput(one, catalog),
      })) : []),
      ...variables(context).map(label => ({ label, type: 'variable', boost: 10 })),
      ...nodeOptions(catalog),
      ...KEYWORDS.map(label => ({ label, type: 'keyword', boost: -10 })),
    ]
    return { from: word?.from ?? context.pos, options, validFor: /^[\p{L}\p{N}_]*$/u }
  }
}

/** @param {any} context @param {any} string @param {any[]} choices */
function stringChoices(context, string, choices) {
  const quote = context.state.sliceDoc(string.from, string.from + 1)
  const closed = string.to - string.from > 1 && context.state.sliceDoc(string.to - 1, string.to) === quote
  const to = closed ? string.to - 1 : string.to
  return {
    from: string.from + 1,
    to,
    options: choices.filter(choice => typeof choice === 'string').map((choice, index) => ({ label: choice, apply: literal(choice).slice(1, -1), type: 'enum', boost: -index / 1e4 })),
    validFor: /^[^'"\n]*$/,
  }
}

/** @type {WeakMap<Catalog, any[]>} */
const options = new WeakMap()

/** @param {Catalog} catalog */
function nodeOptions(catalog) {
  let found = options.get(catalog)
  if (!found) {
    found = Object.entries(catalog.nodes).map(([label, info]) => ({
      label, detail: info.title === info.type ? info.category : info.title, type: 'function', boost: info.deprecated ? -20 : 0, info: () => describeNode(label, info, catalog),
    }))
    options.set(catalog, found)
  }
  return found
}

/** Names that the script has given to something. @param {any} context @returns {string[]} */
function variables(context) {
  const found = new Set()
  const text = context.state.doc.toString()
  for (const match of text.matchAll(/^[ \t]*(?:def\s+(\w+)|for\s+([\w, ]+)\s+in|([\w, ]+?)\s*=(?!=))/gmu)) {
    for (const name of (match[1] ?? match[2] ?? match[3]).split(',')) if (/^[\p{L}_]\w*$/u.test(name.trim()) && name.trim() !== '_') found.add(name.trim())
  }
  return [...found]
}

/** @param {string} name @param {NodeInfo} info @param {Catalog} catalog */
function describeNode(name, info, catalog) {
  return h('div', { class: 'cs-help' },
    h('div', { class: 'cs-help-title' }, info.title, info.title === name ? false : h('code', {}, name)),
    info.category ? h('div', { class: 'cs-help-muted' }, info.category) : false,
    info.description ? h('p', {}, info.description.slice(0, 600)) : false,
    h('code', { class: 'cs-help-signature' }, signature(name, info, catalog)))
}

/** @param {string} name @param {NodeInfo} info @param {Catalog} catalog */
function signature(name, info, catalog) {
  const parameters = info.inputs.filter(one => !one.name.includes('__')).map(one => {
    const type = one.choices === undefined ? one.type : catalog.choices[one.choices].length ? 'COMBO' : one.type
    return `${one.name}: ${type}${one.default === undefined ? (one.required ? '' : ' = None') : ` = ${literal(one.default)}`}`
  })
  const line = parameters.join(', ')
  const outputs = info.outputs.map(one => one.type).join(', ')
  return `${name}(${line.length > 60 ? `\n  ${parameters.join(',\n  ')}\n` : line})${outputs ? ` → ${outputs}` : ''}`
}

/** @param {Input} input @param {Catalog} catalog */
function describeInput(input, catalog) {
  const range = input.min === undefined && input.max === undefined ? '' : ` ${input.min ?? ''}…${input.max ?? ''}`
  const choices = input.choices === undefined ? [] : catalog.choices[input.choices]
  return h('div', { class: 'cs-help' },
    h('div', { class: 'cs-help-title' }, h('code', {}, input.name), `${input.type}${range}`),
    input.default === undefined ? false : h('div', { class: 'cs-help-muted' }, `= ${literal(input.default)}`),
    input.tooltip ? h('p', {}, input.tooltip) : false,
    choices.length ? h('div', { class: 'cs-help-muted' }, choices.slice(0, 12).map(literal).join(', ') + (choices.length > 12 ? ` … (${choices.length})` : '')) : false)
}

/** @param {() => Promise<Catalog>} load */
export function hover(load) {
  /** @param {any} view @param {number} pos */
  return async (view, pos) => {
    const at = syntaxTree(view.state).resolveInner(pos, 1)
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
