// Completion of the types that a parameter of `def main(…)` can have.
import { syntaxTree } from '../vendor/codemirror.mjs'

/** @typedef {import('../panel/help.mjs').Catalog} Catalog */

/** Those that become widgets, and what surrounds types. */
const PLAIN = ['int', 'float', 'str', 'bool', 'list', 'tuple', 'Annotated[float, Range(0, 1, 0.05)]', "Literal['a', 'b']"]

/** @type {WeakMap<Catalog, string[]>} */
const known = new WeakMap()

/** ComfyUI's types by their names in scripts: `CONTROL_NET` is `ControlNet`. @param {Catalog} catalog */
function typesOf(catalog) {
  let found = known.get(catalog)
  if (!found) {
    const types = Object.values(catalog.nodes).flatMap(node => [...node.inputs, ...node.outputs].map(one => one.type)).filter(type => /^[A-Z][A-Z0-9_]*$/.test(type))
    found = [...new Set(types)].filter(type => !['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO'].includes(type)).map(nameOf).sort()
    known.set(catalog, found)
  }
  return found
}

/** @param {string} type */
const nameOf = type => (type[0] + type.slice(1).toLowerCase()).replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())

/** @param {() => Promise<Catalog>} load */
export function typeNames(load) {
  /** @param {any} context */
  return async context => {
    /** @type {any} */
    let at = syntaxTree(context.state).resolveInner(context.pos, -1)
    if (at.name === 'String' || at.name === 'Comment') return null
    while (at && at.name !== 'TypeDef') at = at.parent
    if (!at) return null
    const word = context.matchBefore(/\w*/)
    if (!context.explicit && word.from === word.to) return null
    const catalog = await load().catch(() => undefined)
    const types = [...PLAIN, ...catalog ? typesOf(catalog) : []]
    return { from: word.from, options: types.map((label, index) => ({ label, type: 'type', boost: 40 - index / 1e3 })), validFor: /^\w*$/ }
  }
}
