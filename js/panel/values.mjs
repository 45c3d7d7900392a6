// A control for the value under the pointer: a slider, a switch, a colour. It changes the text; Apply changes the graph.
import * as cm from '../vendor/codemirror.mjs'
import { callAt } from './calls.mjs'
import { h, iconButton } from './dom.mjs'
import { t } from './text.mjs'

/** @typedef {import('./help.mjs').Catalog} Catalog */
/** @typedef {import('./help.mjs').Input} Input */

/** Of a slider: more are too fine for a hand, and the range ends nearer. */
const MOST_STEPS = 1000
const WHITE = 0xffffff

/** Around control and value, where the pointer may be. */
const NEAR = 40

/** @type {any} */
const setShown = cm.StateEffect.define()

/** The control on screen: it stays while it changes the text itself. @type {any} */
const shown = cm.StateField.define({
  create: () => /** @type {any} */ (null),
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setShown)) return effect.value
    const other = (transaction.docChanged || transaction.selection) && !transaction.isUserEvent('input.value')
    return other ? null : value
  },
  provide: field => cm.showTooltip.from(field),
})

/** @param {() => Promise<Catalog>} load */
export const valueControls = load => [
  shown,
  cm.hoverTooltip(async (view, pos) => {
    const found = valueAt(view.state, pos)
    if (!found || view.state.readOnly || view.state.field(shown)) return null
    const catalog = await load().catch(() => undefined)
    const input = catalog && callAt(view.state, found.to, catalog)?.input
    const control = input && controlFor(input, found.text)
    if (control) view.dispatch({ effects: setShown.of({ pos: found.from, create: () => ({ dom: control(new Place(view, found)) }) }) })
    return null
  }, { hoverTime: 350 }),
  cm.EditorView.domEventHandlers({
    mousemove: (event, view) => { if (view.state.field(shown) && isFar(event, view)) close(view) },
    keydown: (event, view) => { if (event.key === 'Escape' && view.state.field(shown)) close(view) },
  }),
]

/** @param {any} view */
const close = view => view.dispatch({ effects: setShown.of(null) })

/** @param {MouseEvent} event @param {any} view */
function isFar({ clientX: x, clientY: y }, view) {
  const control = document.querySelector('.cs-value')?.getBoundingClientRect()
  const value = view.coordsAtPos(view.state.field(shown).pos)
  return [control, value].every(box => !box || x < box.left - NEAR || x > box.right + NEAR || y < box.top - NEAR || y > box.bottom + NEAR)
}

/** A number, with its sign, or a truth value. @param {any} state @param {number} pos */
function valueAt(state, pos) {
  let node = cm.syntaxTree(state).resolveInner(pos, 1)
  if (node.name !== 'Number' && node.name !== 'Boolean') return undefined
  if (node.parent?.name === 'UnaryExpression') node = node.parent
  return { from: node.from, to: node.to, text: state.sliceDoc(node.from, node.to) }
}

/** Where a value stands, through its own changes. */
class Place {
  /** @param {any} view @param {{ from: number, text: string }} found */
  constructor(view, { from, text }) {
    this.view = view
    this.from = from
    this.text = text
  }

  /** @param {string} text */
  write(text) {
    const to = this.from + this.text.length
    // Somebody else has written there meanwhile.
    if (this.view.state.sliceDoc(this.from, to) !== this.text || text === this.text) return
    this.view.dispatch({ changes: { from: this.from, to, insert: text }, userEvent: 'input.value' })
    this.text = text
  }
}

/** @param {Input} input @param {string} text @returns {((place: Place) => HTMLElement) | undefined} */
function controlFor(input, text) {
  if (text === 'True' || text === 'False') return input.type === 'BOOLEAN' ? place => box(input, toggle(place, text)) : undefined
  const value = Number(text)
  if (!Number.isFinite(value) || (input.type !== 'INT' && input.type !== 'FLOAT')) return undefined
  if (input.type === 'INT' && input.max === WHITE && !input.min) return place => box(input, colour(place, value))
  return place => box(input, ...numberControls(place, input, value))
}

/** @param {Input} input @param {...HTMLElement} controls */
const box = (input, ...controls) => h('div', { class: 'cs-value' }, h('span', { class: 'cs-value-name' }, input.name), ...controls)

/** @param {Place} place @param {string} text */
function toggle(place, text) {
  const field = h('input', { type: 'checkbox', checked: text === 'True', 'aria-label': text, onchange: () => place.write(field.checked ? 'True' : 'False') })
  return field
}

/** @param {Place} place @param {number} value */
function colour(place, value) {
  const field = h('input', { type: 'color', value: `#${value.toString(16).padStart(6, '0')}`, oninput: () => place.write(String(parseInt(field.value.slice(1), 16))) })
  return field
}

/** @param {Place} place @param {Input} input @param {number} value @returns {HTMLElement[]} */
function numberControls(place, input, value) {
  const step = input.step ?? (input.type === 'INT' ? 1 : 0.01)
  const [least, most] = [input.min ?? -Infinity, input.max ?? Infinity]
  const digits = Math.max(0, Math.ceil(-Math.log10(step)))
  let now = value
  const slider = h('input', { type: 'range', class: 'cs-value-slider', 'aria-label': input.name, oninput: () => set(Number(slider.value)) })
  /** @param {number} wanted */
  const set = wanted => {
    now = Math.min(most, Math.max(least, Number(wanted.toFixed(digits))))
    slider.value = String(now)
    place.write(String(now))
  }
  const by = (/** @type {number} */ count) => set(now + count * step)
  const steps = [iconButton('minus', t('value.less'), () => by(-1)), iconButton('plus', t('value.more'), () => by(1))]
  // Nobody slides to one of 2^64 seeds.
  if (least === -Infinity || /seed/.test(input.name)) return steps
  slider.min = String(least)
  slider.max = String(reach({ ...input, min: least }, value, step))
  slider.step = String(step)
  slider.value = String(value)
  return [steps[0], slider, steps[1]]
}

/** The end of a slider. @param {Input & { min: number }} input @param {number} value @param {number} step */
function reach({ min, max = Infinity, default: usual }, value, step) {
  if ((max - min) / step <= MOST_STEPS) return max
  return Math.min(max, Math.max(2 * value, 2 * Number(usual ?? 0), min + 100 * step))
}
