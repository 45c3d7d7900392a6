// Marks in the script's lines: what is selected in the graph, runs, or would change it.
import * as cm from '../vendor/codemirror.mjs'
import { FarWidget, ResultWidget } from './results.mjs'

const { EditorView, Decoration, StateEffect, StateField } = cm

/** @typedef {{ selected?: number[], running?: Map<number, number | null>, done?: Set<number>, changed?: Set<number>, results?: Map<number, import('./results.mjs').Result>, far?: Map<number, string> }} Marks Lines from 1; `running`: share done, or null. */

/** @type {any} */
export const setMarks = StateEffect.define()

export const marks = StateField.define({
  create: () => ({ decorations: Decoration.none }),
  update(value, transaction) {
    let { decorations } = value
    if (transaction.docChanged) decorations = decorations.map(transaction.changes)
    for (const effect of transaction.effects) if (effect.is(setMarks)) decorations = decorate(transaction.state, effect.value)
    return decorations === value.decorations ? value : { decorations }
  },
  provide: field => EditorView.decorations.from(field, value => value.decorations),
})

/** @param {any} state @param {Marks} lines */
function decorate(state, lines) {
  /** @type {Map<number, { classes: string[], style?: string }>} */
  const found = new Map()
  /** @param {number} line @param {string} name @param {string} [style] */
  const add = (line, name, style) => {
    if (line < 1 || line > state.doc.lines) return
    const entry = found.get(line) ?? { classes: [] }
    entry.classes.push(name)
    if (style) entry.style = style
    found.set(line, entry)
  }
  for (const line of lines.changed ?? []) add(line, 'cs-line-changed')
  for (const line of lines.selected ?? []) add(line, 'cs-line-selected')
  for (const line of lines.done ?? []) add(line, 'cs-line-done')
  for (const [line, share] of lines.running ?? []) add(line, 'cs-line-running', `--cs-share: ${Math.round((share ?? 0) * 100)}%`)
  const ranges = [...found].sort(([a], [b]) => a - b).map(([line, { classes, style }]) =>
    Decoration.line({ class: classes.join(' '), attributes: style ? { style } : {} }).range(state.doc.line(line).from))
  const results = [...lines.results ?? []].filter(([line]) => line >= 1 && line <= state.doc.lines).map(([line, result]) =>
    Decoration.widget({ widget: new ResultWidget(result), side: 1 }).range(state.doc.line(line).to))
  const far = [...lines.far ?? []].filter(([line]) => line >= 1 && line <= state.doc.lines).map(([line, text]) =>
    Decoration.widget({ widget: new FarWidget(text), side: 1 }).range(state.doc.line(line).to))
  return Decoration.set([...ranges, ...far, ...results], true)
}
