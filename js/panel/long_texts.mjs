// Texts that nobody reads (an image that a node holds) take a few words' room in the editor. They stay in the text, as
// one character for the cursor: Delete takes all of one away, copying takes all of it along.
import * as cm from '../vendor/codemirror.mjs'
import { h } from './dom.mjs'
import { t } from './text.mjs'

const { Decoration, EditorView, StateField, WidgetType } = cm

/** Those that do not count as script (interpreter/lang/source.py). */
const LONG = 10_000
const TEXT = /'[^'\\]*(?:\\.[^'\\]*)*'?|"[^"\\]*(?:\\.[^"\\]*)*"?/g
const SHOWN = 24

class Folded extends WidgetType {
  /** @param {string} text with its quotes */
  constructor(text) {
    super()
    this.start = text.slice(0, SHOWN)
    this.length = text.length - 2
  }

  /** @override @param {any} other */
  eq(other) {
    return other.start === this.start && other.length === this.length
  }

  /** @override */
  toDOM() {
    const said = t('editor.long', { count: this.length.toLocaleString() })
    return h('span', { class: 'cs-long', title: said }, `${this.start}… ${said}`)
  }
}

/** @param {any} state */
function folds({ doc }) {
  const found = []
  if (doc.length < LONG) return Decoration.none
  for (let number = 1; number <= doc.lines; number++) {
    const line = doc.line(number)
    if (line.length < LONG) continue
    for (const match of line.text.matchAll(TEXT)) {
      if (match[0].length < LONG || !match[0].endsWith(match[0][0])) continue
      const from = line.from + /** @type {number} */ (match.index)
      found.push(Decoration.replace({ widget: new Folded(match[0]) }).range(from, from + match[0].length))
    }
  }
  return Decoration.set(found)
}

export const longTexts = StateField.define({
  create: folds,
  /** @param {any} value @param {any} transaction */
  update: (value, transaction) => (transaction.docChanged ? folds(transaction.state) : value),
  /** @param {any} field */
  provide: field => [EditorView.decorations.from(field), EditorView.atomicRanges.of((/** @type {any} */ view) => view.state.field(field))],
})
