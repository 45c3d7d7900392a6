// The names of inputs that a call gives by position, before their values; a setting.
import * as cm from '../vendor/codemirror.mjs'
import { h } from './dom.mjs'

/** @typedef {import('./help.mjs').Catalog} Catalog */

const { Decoration, ViewPlugin, WidgetType } = cm

class Name extends WidgetType {
  /** @param {string} name */
  constructor(name) {
    super()
    this.name = name
  }

  /** @override @param {any} other */
  eq(other) {
    return other.name === this.name
  }

  /** @override */
  toDOM() {
    return h('span', { class: 'cs-inlay', 'aria-hidden': 'true' }, `${this.name}:`)
  }
}

/** @param {() => Promise<Catalog>} load @param {() => boolean} enabled asked whenever the text is drawn anew */
export function inlayNames(load, enabled) {
  /** @type {Catalog | undefined} */
  let catalog
  return ViewPlugin.fromClass(class {
    /** @param {any} view */
    constructor(view) {
      this.enabled = this.on = false
      this.decorations = Decoration.none
      this.draw(view)
    }

    /** @param {any} update */
    update({ view, docChanged, viewportChanged }) {
      if (docChanged || viewportChanged || this.enabled !== enabled() || (this.enabled && catalog && !this.on)) this.draw(view)
    }

    /** @param {any} view */
    draw(view) {
      this.enabled = enabled()
      if (this.enabled && !catalog) void load().then(found => { catalog = found; view.dispatch({}) }).catch(() => {})
      this.on = this.enabled && Boolean(catalog)
      this.decorations = this.on && catalog ? Decoration.set(namesIn(view, catalog), true) : Decoration.none
    }
  }, { decorations: (/** @type {any} */ plugin) => plugin.decorations })
}

/** @param {any} view @param {Catalog} catalog */
function namesIn(view, catalog) {
  const { state } = view
  /** @type {any[]} */
  const found = []
  for (const { from, to } of view.visibleRanges) {
    cm.syntaxTree(state).iterate({
      from, to,
      enter(/** @type {any} */ at) {
        if (at.name !== 'CallExpression') return
        const { node } = at
        const args = node.getChild('ArgList')
        const name = state.sliceDoc(node.firstChild.from, node.firstChild.to)
        const info = args && Object.hasOwn(catalog.nodes, name) ? catalog.nodes[name] : undefined
        if (info) found.push(...namesOf(state, args, info.inputs.filter(input => !input.name.includes('__'))))
      },
    })
  }
  return found
}

/** Where the text says the name already, it is not said again. @param {any} state @param {any} args @param {import('./help.mjs').Input[]} inputs */
function namesOf(state, args, inputs) {
  const found = []
  let position = 0
  for (let child = args.firstChild; child; child = child.nextSibling) {
    if (/^[(),]$/.test(child.name) || child.name === 'Comment') continue
    // What follows is given by name, or handed on.
    if (child.nextSibling?.name === 'AssignOp' || child.name === '*' || child.name === '**') break
    const input = inputs[position++]
    if (input && state.sliceDoc(child.from, child.to) !== input.name) found.push(Decoration.widget({ widget: new Name(input.name), side: 1 }).range(child.from))
  }
  return found
}
