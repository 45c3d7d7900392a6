// The script editor: CodeMirror with the marks that the panel needs. Knows nothing of graphs or servers.
import * as cm from '../vendor/codemirror.mjs'
import { conflictEffect, conflictMarks, conflictsOf, resolveAll } from './conflicts.mjs'
import { literal } from './help.mjs'
import { basics } from './look.mjs'
import { marks, setMarks } from './marks.mjs'
import { selectName } from './names.mjs'
import { said, t } from './text.mjs'

const { EditorState, EditorView } = cm

/** @typedef {import('./marks.mjs').Marks} Marks */

const remote = cm.Annotation.define()
/** Texts whose history is kept. */
const KEPT = 12

/**
 * @param {object} options
 * @param {HTMLElement} options.parent @param {string} options.label @param {boolean} options.dark @param {string} [options.placeholder]
 * @param {(text: string) => void} [options.onEdit] after an edit by the user
 * @param {(count: number) => void} [options.onConflicts] when fewer or more places are to be decided on
 * @param {(line: number, pointed?: number) => void} [options.onLine] when the user goes to another line by pointer or keyboard; `pointed`: where by pointer
 * @param {{ key: string, run: () => boolean }[]} [options.keys]
 * @param {() => boolean} [options.tabIndents] asked at each Tab; after Escape it leaves the editor
 * @param {any[]} [options.sources] completion sources
 * @param {any} [options.hover] hover source
 * @param {any} [options.help] extension for the calls that are being written
 * @param {boolean} [options.readOnly]
 * @param {boolean} [options.compact] nothing is folded: there is little room
 * @param {HTMLElement} [options.floating] what holds tooltips, else the panel around it
 */
export function createEditor(options) {
  const themed = new cm.Compartment()
  let dark = options.dark
  /** Of texts that were shown before. @type {Map<string, any>} */
  const kept = new Map()
  const fresh = () => EditorState.create({
      extensions: [
        ownUndo,
        cm.keymap.of(/** @type {any} */ ([...(options.keys ?? []), ...ownKeys(options.tabIndents)])),
        themed.of(basics({ ...options, dark })),
        marks, conflictMarks(count => options.onConflicts?.(count)), cm.lintGutter(), options.compact ? [] : cm.foldGutter(), cm.history(), cm.dropCursor(), EditorState.allowMultipleSelections.of(true),
        cm.indentOnInput(), cm.indentUnit.of('    '), cm.bracketMatching(), cm.closeBrackets(), cm.rectangularSelection(),
        cm.highlightActiveLine(), cm.highlightActiveLineGutter(), cm.highlightSelectionMatches(), cm.search({ top: true }),
        cm.autocompletion({ override: options.sources, icons: false, maxRenderedOptions: 80 }),
        options.hover ? cm.hoverTooltip(options.hover, { hoverTime: 350 }) : [], options.help ?? [],
        cm.tooltips({ position: 'fixed', parent: options.floating ?? /** @type {HTMLElement} */ (options.parent.closest('.comfyscript') ?? document.body) }),
        cm.keymap.of([...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.searchKeymap, ...cm.historyKeymap, ...cm.foldKeymap, ...cm.lintKeymap, ...cm.defaultKeymap]),
        options.placeholder ? cm.placeholder(options.placeholder) : [],
        options.readOnly ? EditorState.readOnly.of(true) : [],
        EditorView.updateListener.of(update => {
          const byServer = update.transactions.some(transaction => transaction.annotation(remote))
          if (update.docChanged && !byServer) options.onEdit?.(update.state.doc.toString())
          else if (update.selectionSet && !byServer && update.transactions.some(transaction => transaction.isUserEvent('select'))) {
            const { head } = update.state.selection.main
            options.onLine?.(update.state.doc.lineAt(head).number, update.transactions.some(transaction => transaction.isUserEvent('select.pointer')) ? head : undefined)
          }
        }),
      ],
  })
  const view = new EditorView({ parent: options.parent, state: fresh() })
  // ComfyUI's undo listens to every key before anybody else and leaves only text fields alone, which it knows by this.
  Object.defineProperty(view.contentDOM, 'type', { value: 'textarea' })
  view.dom.addEventListener('input', searchAsTyped)

  return {
    view,
    text: () => view.state.doc.toString(),

    /** Shows another text, changing no more than differs, so that cursor, folds and scrolling stay. @param {string} text */
    show(text) {
      const old = view.state.doc.toString()
      if (old === text) return
      view.dispatch({ changes: difference(old, text), annotations: [remote.of(true), cm.Transaction.addToHistory.of(false)] })
    },

    /** The same as an edit that the user can undo. @param {string} text */
    replace(text) {
      const old = view.state.doc.toString()
      if (old !== text) view.dispatch({ changes: difference(old, text), annotations: [remote.of(true), cm.isolateHistory.of('full')] })
    },

    /** Another text that holds what was typed; the user's undo goes on from there. @param {string} text @param {import('./conflicts.mjs').Conflict[]} conflicts */
    merge(text, conflicts) {
      const changes = cm.diff(view.state.doc.toString(), text, { scanLimit: 500, timeout: 200 })
        .map(({ fromA, toA, fromB, toB }) => ({ from: fromA, to: toA, insert: text.slice(fromB, toB) }))
      const open = view.state.changes(changes)
      const kept = conflictsOf(view).map(one => ({ ...one, from: open.mapPos(one.from, 1), to: open.mapPos(one.to, -1) }))
      const all = [...conflicts, ...kept.filter(one => !conflicts.some(other => other.from <= one.to && one.from <= other.to))]
      view.dispatch({ changes, effects: conflictEffect(all), annotations: [remote.of(true), cm.Transaction.addToHistory.of(false)] })
    },

    conflicts: () => conflictsOf(view),
    /** @param {import('./conflicts.mjs').Conflict[]} list */
    setConflicts: list => view.dispatch({ effects: conflictEffect(list) }),
    /** @param {boolean} take what the graph has */
    resolveConflicts: take => resolveAll(view, take),

    /** As if it was typed. @param {string} text */
    insert: text => view.dispatch({ ...view.state.replaceSelection(text), userEvent: 'input.paste', scrollIntoView: true }),

    /** @param {Marks} lines */
    mark: lines => view.dispatch({ effects: setMarks.of(lines) }),

    /** @param {import('./server.mjs').ScriptErrorJson[]} errors @param {import('./server.mjs').ScriptErrorJson[]} [warnings] */
    setErrors(errors, warnings = []) {
      const { doc } = view.state
      const diagnostics = [...errors, ...warnings].map((error, index) => {
        const line = doc.line(Math.min(Math.max(error.line, 1), doc.lines))
        const indent = line.text.length - line.text.trimStart().length
        // Something that is missing at a line's end is marked by the line.
        const from = error.column > 1 && error.column <= line.length ? line.from + error.column - 1 : line.from + indent
        const end = error.endColumn ? Math.min(line.from + error.endColumn - 1, line.to) : line.to
        const actions = error.fix === undefined || !error.endColumn ? [] : [fixing(error.fix)]
        return { from, to: Math.max(end, from), severity: index < errors.length ? /** @type {const} */ ('error') : /** @type {const} */ ('warning'), message: said(error.message), actions }
      })
      view.dispatch(cm.setDiagnostics(view.state, diagnostics))
    },

    /** @param {number} number @param {'center' | 'nearest'} [where] */
    reveal(number, where = 'nearest') {
      const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines))
      view.dispatch({ effects: EditorView.scrollIntoView(line.from, { y: where, yMargin: 40 }), annotations: remote.of(true) })
    },

    /** Puts the cursor there. @param {number} number @param {number} [column] */
    goTo(number, column = 1) {
      const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines))
      const head = Math.min(line.from + column - 1, line.to)
      view.dispatch({ selection: { anchor: head }, effects: EditorView.scrollIntoView(head, { y: 'center' }), annotations: remote.of(true) })
      view.focus()
    },

    line: () => view.state.doc.lineAt(view.state.selection.main.head).number,
    /** @param {boolean} value */
    setDark(value) {
      if (dark === value) return
      dark = value
      view.dispatch({ effects: themed.reconfigure(basics({ ...options, dark })) })
    },
    /** Shows another text's state, its history with it; a new one is empty. @param {string} left name of the one before @param {string} name */
    change(left, name) {
      kept.set(left, view.state)
      for (const old of [...kept.keys()].slice(0, -KEPT)) kept.delete(old)
      view.setState(kept.get(name) ?? fresh())
      view.dispatch({ effects: [themed.reconfigure(basics({ ...options, dark })), setMarks.of({})] })
    },
    focus: () => view.focus(),
    search: () => cm.openSearchPanel(view),
    destroy: () => view.destroy(),
  }
}

/** @typedef {ReturnType<typeof createEditor>} Editor */

/** Puts a value that ComfyUI takes in the place of one that it does not. @param {any} value */
const fixing = value => ({
  name: t('fix', { value: literal(value) }),
  apply: (/** @type {any} */ view, /** @type {number} */ from, /** @type {number} */ to) => view.dispatch({ changes: { from, to, insert: literal(value) }, userEvent: 'input.fix' }),
})

/** Undoing anywhere in a page, Chromium tells the text that was typed in last: on the canvas it is not meant. */
const ownUndo = EditorView.domEventHandlers({
  beforeinput: (event, view) => /^history/.test(event.inputType) && !view.hasFocus,
})

/** The search's fields are read when a key comes up, which is kept from the page (shield.mjs) and so from them, or when they have changed. @param {Event} event */
const searchAsTyped = ({ target }) => { if (target instanceof HTMLInputElement && target.matches('.cm-search .cm-textfield')) target.dispatchEvent(new Event('change')) }

/** @param {any} view */
function indent(view) {
  const { state } = view
  if (state.selection.ranges.some((/** @type {any} */ range) => !range.empty)) return cm.indentMore(view)
  view.dispatch(state.changeByRange((/** @type {any} */ range) => {
    const spaces = ' '.repeat(4 - (range.head - state.doc.lineAt(range.head).from) % 4)
    return { changes: { from: range.head, insert: spaces }, range: cm.EditorSelection.cursor(range.head + spaces.length) }
  }), { userEvent: 'input.indent', scrollIntoView: true })
  return true
}

/** @param {() => boolean} [indents] */
const ownKeys = (indents = () => true) => [
  { key: 'F2', run: selectName },
  { key: 'Tab', run: cm.acceptCompletion },
  { key: 'Tab', run: (/** @type {any} */ view) => indents() && indent(view), shift: (/** @type {any} */ view) => indents() && cm.indentLess(view) },
]

/** Line by line, so that marks and folds of unchanged lines survive. @param {string} old @param {string} text */
function difference(old, text) {
  const ours = old.split('\n')
  const theirs = text.split('\n')
  let start = 0
  while (start < ours.length && start < theirs.length && ours[start] === theirs[start]) start++
  let end = 0
  while (end < ours.length - start && end < theirs.length - start && ours[ours.length - 1 - end] === theirs[theirs.length - 1 - end]) end++
  const length = /** @param {string[]} lines */ lines => lines.reduce((sum, line) => sum + line.length + 1, 0)
  const from = Math.min(length(ours.slice(0, start)), old.length)
  const to = end ? old.length - length(ours.slice(ours.length - end)) : old.length
  const textTo = end ? text.length - length(theirs.slice(theirs.length - end)) : text.length
  const textFrom = Math.min(length(theirs.slice(0, start)), text.length)
  // Where one text is the head of the other, the line break before its end belongs to the change.
  if (to < from || textTo < textFrom) return { from: 0, to: old.length, insert: text }
  return { from, to, insert: text.slice(textFrom, textTo) }
}
