// What there is to say of nodes and inputs, from the server's schemas.
import { shownDefinition } from './comfy.mjs'
import { h } from './dom.mjs'

/** @typedef {{ name: string, type: string, required: boolean, default?: any, choices?: number, min?: number, max?: number, step?: number, tooltip?: string }} Input */
/** @typedef {{ type: string, title: string, description: string, category: string, deprecated: boolean, inputs: Input[], outputs: { name: string, type: string }[] }} NodeInfo */
/** @typedef {{ nodes: Record<string, NodeInfo>, choices: any[][] }} Catalog */

/** @param {any} value */
export const literal = value => (typeof value === 'string' ? `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n')}'` : value === true ? 'True' : value === false ? 'False' : value === null ? 'None' : JSON.stringify(value))

/** @param {string} name @param {NodeInfo} info @param {Catalog} catalog */
export function describeNode(name, info, catalog) {
  const { display_name: title = info.title, description = info.description, category = info.category } = shownDefinition(info.type) ?? {}
  return h('div', { class: 'cs-help' },
    h('div', { class: 'cs-help-title' }, title, title === name ? false : h('code', {}, name)),
    category ? h('div', { class: 'cs-help-muted' }, category) : false,
    description ? h('p', {}, description.slice(0, 600)) : false,
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
export function describeInput(input, catalog) {
  const range = input.min === undefined && input.max === undefined ? '' : ` ${input.min ?? ''}…${input.max ?? ''}`
  const choices = input.choices === undefined ? [] : catalog.choices[input.choices]
  return h('div', { class: 'cs-help' },
    h('div', { class: 'cs-help-title' }, h('code', {}, input.name), `${input.type}${range}`),
    input.default === undefined ? false : h('div', { class: 'cs-help-muted' }, `= ${literal(input.default)}`),
    input.tooltip ? h('p', {}, input.tooltip) : false,
    choices.length ? h('div', { class: 'cs-help-muted' }, choices.slice(0, 12).map(literal).join(', ') + (choices.length > 12 ? ` … (${choices.length})` : '')) : false)
}
