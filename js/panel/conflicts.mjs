// Where text and graph were both changed: the graph's value below mine, with a button for each.
import * as cm from '../vendor/codemirror.mjs'
import { button, h } from './dom.mjs'
import { t } from './text.mjs'

/** @typedef {import('./merge.mjs').Conflict} Conflict */

const { Decoration, EditorView, StateEffect, StateField } = cm
const LONGEST = 300

/** @type {any} */
const setConflicts = StateEffect.define()

/** @type {any} */
const field = StateField.define({
  create: () => /** @type {{ list: Conflict[], decorations: any }} */ ({ list: [], decorations: Decoration.none }),
  update(value, transaction) {
    let { list } = value
    if (transaction.docChanged) list = list.map(one => ({ ...one, from: transaction.changes.mapPos(one.from, 1), to: Math.max(transaction.changes.mapPos(one.from, 1), transaction.changes.mapPos(one.to, -1)) }))
    for (const effect of transaction.effects) if (effect.is(setConflicts)) ({ value: list } = effect)
    return list === value.list ? value : { list, decorations: decorate(transaction.state, list) }
  },
  provide: own => EditorView.decorations.from(own, value => value.decorations),
})

class Choice extends cm.WidgetType {
  /** @param {Conflict} conflict */
  constructor(conflict) {
    super()
    this.conflict = conflict
  }

  /** @override @param {any} other */
  eq(other) {
    return other.conflict.from === this.conflict.from && other.conflict.to === this.conflict.to && other.conflict.theirs === this.conflict.theirs
  }

  /** @override @param {any} view */
  toDOM(view) {
    const { theirs } = this.conflict
    const shown = theirs.trim() || t('conflict.nothing')
    return h('div', { class: 'cs-choice' }, h('div', {},
      h('span', { class: 'cs-choice-name' }, t('conflict.graph')),
      h('code', { title: shown.slice(0, 4 * LONGEST) }, shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown),
      button(t('conflict.take'), () => resolve(view, this.conflict, true)),
      button(t('conflict.keep'), () => resolve(view, this.conflict, false))))
  }

  /** @override */
  ignoreEvent() {
    return true
  }
}

/** @param {any} state @param {Conflict[]} list */
function decorate(state, list) {
  const ranges = list.flatMap(conflict => {
    const end = state.doc.lineAt(conflict.to).to
    const choice = Decoration.widget({ widget: new Choice(conflict), block: true, side: 1 }).range(end)
    return conflict.to > conflict.from ? [Decoration.mark({ class: 'cs-conflict' }).range(conflict.from, conflict.to), choice] : [choice]
  })
  return Decoration.set(ranges, true)
}

/** @param {any} view @param {Conflict} conflict @param {boolean} take */
function resolve(view, conflict, take) {
  const list = conflictsOf(view)
  const one = list.find(other => other.from === conflict.from && other.to === conflict.to)
  if (!one) return
  const rest = list.filter(other => other !== one)
  const changes = take ? view.state.changes({ from: one.from, to: one.to, insert: one.theirs }) : view.state.changes([])
  const moved = rest.map(other => ({ ...other, from: changes.mapPos(other.from, 1), to: changes.mapPos(other.to, -1) }))
  view.dispatch({ changes, effects: setConflicts.of(moved), userEvent: 'input.merge' })
  view.focus()
}

/** All at once. @param {any} view @param {boolean} take */
export function resolveAll(view, take) {
  const list = conflictsOf(view)
  const changes = take ? list.map(({ from, to, theirs }) => ({ from, to, insert: theirs })) : []
  view.dispatch({ changes, effects: setConflicts.of([]), userEvent: 'input.merge' })
}

/** @param {any} view @returns {Conflict[]} */
export const conflictsOf = view => view.state.field(field).list

/** @param {Conflict[]} list */
export const conflictEffect = list => setConflicts.of(list)

/** @param {(count: number) => void} onCount when there are more or fewer than before */
export const conflictMarks = onCount => [field, EditorView.updateListener.of(update => {
  const count = conflictsOf(update.view).length
  if (count !== update.startState.field(field).list.length) onCount(count)
})]
