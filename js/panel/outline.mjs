// The headings and functions of a script: a list to go to one, and the one around the first visible line held above it.
import * as cm from '../vendor/codemirror.mjs'
import { debounce, h } from './dom.mjs'
import { COMMENTED_CALL } from './look.mjs'
import { t } from './text.mjs'

/** @typedef {{ line: number, end: number, indent: number, text: string, kind: 'heading' | 'function' }} Entry Lines from 1; `end`: the last that belongs to it. */

const FUNCTION = /^(\s*)(?:async\s+)?def\s+(\w+)/
const HEADING = /^(\s*)#\s*(\S.*)/
/** Held at once: a function, and a heading in it. */
const MOST_HELD = 2

/** Lines that begin inside a text or in brackets: where they begin says nothing. @param {any} state @returns {Set<number>} */
function continued(state) {
  /** @type {Set<number>} */
  const found = new Set()
  cm.syntaxTree(state).iterate({
    enter: (/** @type {any} */ { name, from, to }) => {
      if (!/String$|^ArgList$|^ParamList$|^ParenthesizedExpression$/.test(name)) return
      const last = state.doc.lineAt(to).number
      for (let line = state.doc.lineAt(from).number + 1; line <= last; line++) found.add(line)
    },
  })
  return found
}

/** A comment that begins a paragraph is a heading: as such, groups are written. @param {any} state @returns {Entry[]} */
export function outlineOf(state) {
  const { doc } = state
  const inside = continued(state)
  /** @type {Entry[]} */
  const found = []
  /** @type {Entry[]} */
  let open = []
  let before = ''
  for (let number = 1; number <= doc.lines; number++) {
    const { text } = doc.line(number)
    if (inside.has(number)) for (const entry of open) entry.end = number
    else if (text.trim()) {
      const indent = text.length - text.trimStart().length
      // A function ends where a line is not in it.
      open = open.filter(entry => entry.kind === 'heading' ? indent >= entry.indent : indent > entry.indent)
      const entry = entryOf(text, before, number)
      if (entry) {
        open = open.filter(other => other.indent < entry.indent)
        open.push(entry)
        found.push(entry)
      }
      for (const entry of open) entry.end = number
    }
    before = text
  }
  return found
}

/** @param {string} text @param {string} before the line above @param {number} line @returns {Entry | undefined} */
function entryOf(text, before, line) {
  const definition = FUNCTION.exec(text)
  if (definition) return { line, end: line, indent: definition[1].length, text: definition[2], kind: 'function' }
  const heading = HEADING.exec(text)
  if (!heading || COMMENTED_CALL.test(text) || (before.trim() && !before.trimEnd().endsWith(':'))) return undefined
  return { line, end: line, indent: heading[1].length, text: heading[2].trim(), kind: 'heading' }
}

/** What the line at the top of the view is in, as far as it is above it. @param {Entry[]} entries @param {number} top */
export const around = (entries, top) => entries.filter(entry => entry.line < top && top <= entry.end).slice(-MOST_HELD)

/** Holds the lines of what the first visible line is in. @param {(line: number) => void} goTo */
export const stickyScroll = goTo => cm.ViewPlugin.fromClass(class {
  /** @param {any} view */
  constructor(view) {
    this.view = view
    this.element = view.dom.appendChild(h('div', { class: 'cs-sticky', hidden: true, 'aria-hidden': 'true' }))
    this.entries = outlineOf(view.state)
    this.shown = ''
    // Typing does not wait for this.
    this.look = debounce(() => { this.entries = outlineOf(view.state); this.ask() }, 200, 1000)
    this.scrolled = () => this.ask()
    view.scrollDOM.addEventListener('scroll', this.scrolled, { passive: true })
    this.ask()
  }

  /** @param {any} update */
  update(update) {
    if (update.docChanged) this.look()
    if (update.geometryChanged) this.ask()
  }

  ask() {
    const { view } = this
    view.requestMeasure({
      key: this,
      read: () => {
        const { scrollTop, offsetTop } = view.scrollDOM
        if (scrollTop <= 0) return { held: [], top: 0, left: 0 }
        const lineAt = (/** @type {number} */ height) => view.state.doc.lineAt(view.lineBlockAtHeight(height).from).number
        const first = around(this.entries, lineAt(scrollTop))
        // What is held covers lines: the first that is seen is below it.
        const height = first.length * view.defaultLineHeight
        const held = around(this.entries, lineAt(scrollTop + height))
        return { held, top: offsetTop, left: view.contentDOM.offsetLeft }
      },
      write: (/** @type {{ held: Entry[], top: number, left: number }} */ seen) => this.show(seen),
    })
  }

  /** @param {{ held: Entry[], top: number, left: number }} seen */
  show({ held, top, left }) {
    const { element } = this
    element.hidden = !held.length
    const key = JSON.stringify([held, top, left])
    if (key === this.shown) return
    this.shown = key
    element.style.top = `${top}px`
    element.replaceChildren(...held.map(entry => h('div', {
      class: `cs-sticky-line cs-outline-${entry.kind}`, style: `padding-left: calc(${left + 6}px + ${entry.indent}ch)`, title: t('outline.goTo'), onclick: () => goTo(entry.line),
    }, this.view.state.doc.line(Math.min(entry.line, this.view.state.doc.lines)).text.trim())))
  }

  destroy() {
    this.look.cancel()
    this.view.scrollDOM.removeEventListener('scroll', this.scrolled)
    this.element.remove()
  }
})

/** A list of all of them over the editor, from which one is chosen as it is typed. @param {HTMLElement} place @param {import('./editor.mjs').Editor} editor */
export function openOutline(place, editor) {
  place.querySelector('.cs-outline')?.remove()
  const entries = outlineOf(editor.view.state)
  const here = editor.line()
  /** @type {Entry[]} */
  let shown = []
  let chosen = 0
  const list = h('ul', { class: 'cs-outline-list', role: 'listbox', id: 'cs-outline-list', 'aria-label': t('outline') })
  const field = h('input', { type: 'text', class: 'cs-outline-field', placeholder: t('outline.find'), 'aria-label': t('outline.find'), role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'cs-outline-list' })
  const element = h('div', { class: 'cs-outline' }, field, list)

  const close = () => {
    // It would hear of its own going.
    field.removeEventListener('blur', close)
    element.remove()
  }
  const go = (/** @type {Entry | undefined} */ entry) => {
    close()
    if (entry) editor.goTo(entry.line)
    else editor.focus()
  }
  const draw = () => {
    const wanted = field.value.trim().toLowerCase()
    shown = entries.filter(entry => entry.text.toLowerCase().includes(wanted))
    chosen = Math.max(0, Math.min(chosen, shown.length - 1))
    list.replaceChildren(...shown.map((entry, index) => h('li', {
      role: 'option', id: `cs-outline-${index}`, class: `cs-outline-${entry.kind}`, 'aria-selected': String(index === chosen), style: `padding-left: ${10 + Math.min(entry.indent, 8) * 4}px`,
      onpointerdown: (/** @type {Event} */ event) => { event.preventDefault(); go(entry) },
    }, h('span', {}, entry.text), h('span', { class: 'cs-outline-line' }, String(entry.line)))))
    if (!shown.length) list.replaceChildren(h('li', { class: 'cs-empty' }, t(entries.length ? 'outline.none' : 'outline.empty')))
    field.setAttribute('aria-activedescendant', `cs-outline-${chosen}`)
    list.children[chosen]?.scrollIntoView({ block: 'nearest' })
  }
  field.addEventListener('input', () => { chosen = 0; draw() })
  field.addEventListener('blur', close)
  field.addEventListener('keydown', event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step && event.key !== 'Enter' && event.key !== 'Escape') return
    // Of the key, nothing reaches the editor, which is where it is typed from here on.
    event.preventDefault()
    if (!step) return go(event.key === 'Enter' ? shown[chosen] : undefined)
    if (shown.length) chosen = (chosen + step + shown.length) % shown.length
    draw()
  })
  const inside = entries.findLastIndex(entry => entry.line <= here && here <= entry.end)
  chosen = Math.max(0, inside)
  place.append(element)
  draw()
  field.focus()
}
