// The inputs of the node whose call is being written, the one at the cursor marked.
import * as cm from '../vendor/codemirror.mjs'
import { callAt } from './calls.mjs'
import { h } from './dom.mjs'
import { literal } from './help.mjs'

/** @typedef {import('./help.mjs').Catalog} Catalog */

const { StateEffect, StateField } = cm
/** @type {any} */
const setOpen = StateEffect.define()

/** @param {() => Promise<Catalog>} load */
export function signatureHelp(load) {
  /** @type {Catalog | undefined} */
  let catalog
  /** @type {any} */
  const field = StateField.define({
    create: () => /** @type {any} */ (null),
    update(shown, transaction) {
      let open = Boolean(shown)
      for (const effect of transaction.effects) if (effect.is(setOpen)) open = effect.value
      if (!open && !opens(transaction)) return null
      return (transaction.docChanged || transaction.selection || !shown) ? tooltip(transaction.state, catalog) : shown
    },
    provide: own => cm.showTooltip.from(own),
  })
  /** @param {any} view @param {boolean} open */
  const set = (view, open) => view.dispatch({ effects: setOpen.of(open) })
  return [
    field,
    cm.keymap.of([
      { key: 'Escape', run: view => { if (!view.state.field(field)) return false; set(view, false); return true } },
      { key: 'Mod-Shift-Space', run: view => { set(view, true); return true } },
    ]),
    cm.EditorView.domEventHandlers({
      focus: () => { void load().then(loaded => { catalog = loaded }).catch(() => {}) },
      blur: (_, view) => { if (view.state.field(field)) setTimeout(() => set(view, false)) },
    }),
  ]
}

/** Whether somebody has begun a call or its next argument. @param {any} transaction */
function opens(transaction) {
  if (!transaction.isUserEvent('input.type')) return false
  let found = false
  transaction.changes.iterChanges((/** @type {any} */ _a, /** @type {any} */ _b, /** @type {any} */ _c, /** @type {any} */ _d, /** @type {any} */ text) => { found ||= /^[(,]/.test(text.sliceString(0)) })
  return found
}

/** @param {any} state @param {Catalog | undefined} catalog */
function tooltip(state, catalog) {
  const { head, empty } = state.selection.main
  const call = catalog && empty ? callAt(state, head, catalog) : undefined
  if (!call) return null
  return { pos: call.from, above: true, create: () => ({ dom: signature(call, /** @type {Catalog} */ (catalog)) }) }
}

/** @param {NonNullable<ReturnType<typeof callAt>>} call @param {Catalog} catalog */
function signature({ name, info, input }, catalog) {
  const inputs = info.inputs.filter(one => !one.name.includes('__') || one === input)
  const parts = inputs.flatMap((one, index) => [index ? ', ' : '', h('span', { class: one === input ? 'cs-signature-here' : 'cs-signature-input' },
    one.name, one.required || one.default === undefined ? false : `=${String(literal(one.default)).slice(0, 24)}`)])
  return h('div', { class: 'cs-signature' },
    h('code', {}, name, '(', ...parts, ')'),
    input ? h('div', { class: 'cs-help-muted' }, describe(input, catalog)) : false)
}

/** @param {import('./help.mjs').Input} input @param {Catalog} catalog */
function describe(input, catalog) {
  const range = input.min === undefined && input.max === undefined ? '' : ` ${input.min ?? ''}…${input.max ?? ''}`
  const choices = input.choices === undefined ? '' : ` ${catalog.choices[input.choices].slice(0, 4).map(literal).join(', ')}…`
  return `${input.name}: ${input.type}${range}${choices}${input.tooltip ? `. ${input.tooltip.slice(0, 160)}` : ''}`
}
