// The script editor: CodeMirror with the marks that the panel needs. Knows nothing of graphs or servers.
import * as cm from '../vendor/codemirror.mjs'

const { EditorState, EditorView, Decoration, StateEffect, StateField } = cm

/** @typedef {{ selected?: number[], running?: Map<number, number | null>, done?: Set<number>, changed?: Set<number> }} Marks Lines from 1; `running`: share done, or null. */

/** @type {any} */
const setMarks = StateEffect.define()
const remote = cm.Annotation.define()

const marks = StateField.define({
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
  return Decoration.set(ranges)
}

/** Long lines wrap under their own start, so that prompts can be read in a narrow panel. */
const hanging = cm.ViewPlugin.fromClass(class {
  /** @param {any} view */
  constructor(view) { this.decorations = indents(view) }
  /** @param {any} update */
  update(update) { if (update.docChanged || update.viewportChanged) this.decorations = indents(update.view) }
}, { decorations: /** @param {any} plugin */ plugin => plugin.decorations })

/** @param {any} view */
function indents(view) {
  const ranges = new cm.RangeSetBuilder()
  for (const { from, to } of view.visibleRanges) {
    for (let at = from; at <= to;) {
      const line = view.state.doc.lineAt(at)
      const width = Math.min(line.text.length - line.text.trimStart().length, 24) + 2
      ranges.add(line.from, line.from, Decoration.line({ attributes: { style: `padding-left: calc(${width}ch + 6px); text-indent: -${width}ch` } }))
      at = line.to + 1
    }
  }
  return ranges.finish()
}

const { tags } = cm
const highlighting = cm.HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword, tags.operatorKeyword], color: 'var(--cs-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.docString], color: 'var(--cs-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--cs-number)' },
  { tag: [tags.lineComment, tags.comment], color: 'var(--cs-comment)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName)), tags.className], color: 'var(--cs-call)' },
  { tag: [tags.propertyName, tags.attributeName], color: 'var(--cs-property)' },
  { tag: tags.invalid, color: 'var(--cs-error)' },
])

const look = EditorView.theme({
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--cs-mono)', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--cs-fg)', padding: '8px 0 24px' },
  '.cm-line': { padding: '0 12px 0 6px' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--cs-fg)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--cs-selection)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--cs-faint)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 4px 0 8px', minWidth: '26px' },
  '.cm-foldGutter .cm-gutterElement': { padding: '0 2px', cursor: 'pointer' },
  '.cm-gutter-lint': { width: '10px' },
  '.cm-gutter-lint .cm-gutterElement': { padding: '0 1px' },
  '.cm-lint-marker': { width: '9px', height: '9px', marginTop: '5px' },
  '.cm-activeLine': { backgroundColor: 'var(--cs-active)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--cs-fg)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'transparent', outline: '1px solid var(--cs-faint)' },
  '.cm-selectionMatch': { backgroundColor: 'var(--cs-match)' },
  '.cm-searchMatch': { backgroundColor: 'var(--cs-match)', outline: '1px solid var(--cs-faint)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--cs-selection)' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--cs-active)', border: 'none', color: 'var(--cs-muted)', padding: '0 6px' },
  '.cm-tooltip': { backgroundColor: 'var(--cs-raised)', color: 'var(--cs-fg)', border: '1px solid var(--cs-border)', borderRadius: '6px', boxShadow: '0 4px 16px rgb(0 0 0 / 30%)', zIndex: '1100' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--cs-mono)', fontSize: '12px', maxHeight: '14em' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--cs-accent)', color: 'var(--cs-on-accent)' },
  '.cm-completionDetail': { fontStyle: 'normal', color: 'var(--cs-muted)', marginLeft: '1em' },
  '.cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail': { color: 'inherit', opacity: '.8' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-panels': { backgroundColor: 'var(--cs-raised)', color: 'var(--cs-fg)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--cs-border)' },
  '.cm-panel.cm-search': { padding: '6px 28px 6px 8px', fontSize: '12px' },
  '.cm-panel.cm-search label': { fontSize: '11px', whiteSpace: 'nowrap' },
  '.cm-panel.cm-search [name=close]': { color: 'inherit', fontSize: '18px', right: '6px' },
  '.cm-textfield': { backgroundColor: 'var(--cs-editor)', color: 'var(--cs-fg)', border: '1px solid var(--cs-border)', borderRadius: '4px' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--cs-active)', color: 'var(--cs-fg)', border: '1px solid var(--cs-border)', borderRadius: '4px' },
  '.cm-diagnostic': { padding: '5px 10px 5px 10px', whiteSpace: 'pre-wrap', maxWidth: '360px' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--cs-error)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--cs-warn)' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--cs-warn) 1px', textUnderlineOffset: '3px' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--cs-error) 1px', textUnderlineOffset: '3px' },
  '.cm-placeholder': { color: 'var(--cs-faint)' },
  '.cm-deletedChunk': { paddingLeft: '6px' },
  '.cm-collapsedLines': { background: 'var(--cs-active)', color: 'var(--cs-muted)', padding: '3px 12px', fontSize: '11px' },
})

/** What every editor and diff of the panel has. @param {{ label: string, dark: boolean }} options */
export const basics = ({ label, dark }) => [
  cm.lineNumbers(), cm.highlightSpecialChars(), cm.drawSelection(), cm.syntaxHighlighting(highlighting), cm.python(), EditorView.lineWrapping, hanging,
  look, EditorView.theme({}, { dark }), EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocorrect: 'off', autocapitalize: 'off', translate: 'no' }),
]

/**
 * @param {object} options
 * @param {HTMLElement} options.parent @param {string} options.label @param {boolean} options.dark @param {string} [options.placeholder]
 * @param {(text: string) => void} [options.onEdit] after an edit by the user
 * @param {(line: number) => void} [options.onLine] when the user goes to another line by pointer or keyboard
 * @param {{ key: string, run: () => boolean }[]} [options.keys]
 * @param {any[]} [options.sources] completion sources
 * @param {any} [options.hover] hover source
 * @param {boolean} [options.readOnly]
 */
export function createEditor(options) {
  const themed = new cm.Compartment()
  let dark = options.dark
  const fresh = () => EditorState.create({
      extensions: [
        cm.keymap.of(/** @type {any} */ (options.keys ?? [])),
        themed.of(basics({ ...options, dark })),
        marks, cm.lintGutter(), cm.foldGutter(), cm.history(), cm.dropCursor(), EditorState.allowMultipleSelections.of(true),
        cm.indentOnInput(), cm.indentUnit.of('    '), cm.bracketMatching(), cm.closeBrackets(), cm.rectangularSelection(),
        cm.highlightActiveLine(), cm.highlightActiveLineGutter(), cm.highlightSelectionMatches(), cm.search({ top: true }),
        cm.autocompletion({ override: options.sources, icons: false, maxRenderedOptions: 80 }),
        options.hover ? cm.hoverTooltip(options.hover, { hoverTime: 350 }) : [],
        cm.tooltips({ position: 'fixed', parent: /** @type {HTMLElement} */ (options.parent.closest('.comfyscript') ?? document.body) }),
        cm.keymap.of([...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.searchKeymap, ...cm.historyKeymap, ...cm.foldKeymap, ...cm.lintKeymap, ...cm.defaultKeymap]),
        options.placeholder ? cm.placeholder(options.placeholder) : [],
        options.readOnly ? EditorState.readOnly.of(true) : [],
        EditorView.updateListener.of(update => {
          const byServer = update.transactions.some(transaction => transaction.annotation(remote))
          if (update.docChanged && !byServer) options.onEdit?.(update.state.doc.toString())
          else if (update.selectionSet && !byServer && update.transactions.some(transaction => transaction.isUserEvent('select'))) {
            options.onLine?.(update.state.doc.lineAt(update.state.selection.main.head).number)
          }
        }),
      ],
  })
  const view = new EditorView({ parent: options.parent, state: fresh() })
  // ComfyUI's undo listens to every key before anybody else and leaves only text fields alone, which it knows by this.
  Object.defineProperty(view.contentDOM, 'type', { value: 'textarea' })

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

    /** @param {Marks} lines */
    mark: lines => view.dispatch({ effects: setMarks.of(lines) }),

    /** @param {import('./server.mjs').ScriptErrorJson[]} errors @param {import('./server.mjs').ScriptErrorJson[]} [warnings] */
    setErrors(errors, warnings = []) {
      const { doc } = view.state
      const diagnostics = [...errors, ...warnings].map((error, index) => {
        const line = doc.line(Math.min(Math.max(error.line, 1), doc.lines))
        const indent = line.text.length - line.text.trimStart().length
        const from = error.column > 1 ? Math.min(line.from + error.column - 1, line.to) : line.from + indent
        const end = error.endColumn ? Math.min(line.from + error.endColumn - 1, line.to) : line.to
        return { from, to: Math.max(end, from), severity: index < errors.length ? /** @type {const} */ ('error') : /** @type {const} */ ('warning'), message: error.message }
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
    /** Empty, and nothing left to undo. */
    reset: () => view.setState(fresh()),
    focus: () => view.focus(),
    search: () => cm.openSearchPanel(view),
    destroy: () => view.destroy(),
  }
}

/** @typedef {ReturnType<typeof createEditor>} Editor */

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
