// Two scripts side by side, or one above the other where there is little room.
import * as cm from '../vendor/codemirror.mjs'
import { h } from './dom.mjs'
import { basics } from './look.mjs'
import { t } from './text.mjs'

const SIDE_BY_SIDE = 620

/**
 * @param {HTMLElement} parent
 * @param {{ name: string, text: string }} left @param {{ name: string, text: string }} right @param {boolean} dark
 * @returns {() => void} removes it
 */
export function showDiff(parent, left, right, dark) {
  const wide = parent.clientWidth >= SIDE_BY_SIDE
  const fixed = [cm.EditorState.readOnly.of(true), cm.EditorView.editable.of(false), cm.search({ top: true })]
  const collapse = { margin: 2, minSize: 5 }
  const place = h('div', { class: wide ? 'cs-diff cs-diff-wide' : 'cs-diff' })
  const same = left.text === right.text
  parent.append(
    h('div', { class: 'cs-diff-names' },
      h('span', { class: 'cs-diff-old', title: left.name }, left.name), h('span', { class: 'cs-diff-new', title: right.name }, right.name)),
    ...(same ? [h('p', { class: 'cs-empty' }, t('diff.same'))] : []), place)
  const both = (/** @type {string} */ name) => [basics({ label: name, dark }), fixed]
  if (wide) {
    const merge = new cm.MergeView({ a: { doc: left.text, extensions: both(left.name) }, b: { doc: right.text, extensions: both(right.name) }, parent: place, collapseUnchanged: collapse })
    return () => { merge.destroy(); parent.replaceChildren() }
  }
  const view = new cm.EditorView({
    parent: place,
    state: cm.EditorState.create({ doc: right.text, extensions: [both(`${left.name} → ${right.name}`), cm.unifiedMergeView({ original: left.text, mergeControls: false, collapseUnchanged: collapse })] }),
  })
  return () => { view.destroy(); parent.replaceChildren() }
}
