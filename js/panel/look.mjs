// How scripts look, in the editor and in differences: colours of words, wrapped lines, CodeMirror's own elements.
import * as cm from '../vendor/codemirror.mjs'
import { longTexts } from './long_texts.mjs'
import { phrases } from './phrases.mjs'

const { EditorView, Decoration } = cm

/** Long lines wrap under their own start, so that prompts can be read in a narrow panel. */
const hanging = cm.ViewPlugin.fromClass(class {
  /** @param {any} view */
  constructor(view) { this.decorations = indents(view) }
  /** @param {any} update */
  update(update) { if (update.docChanged || update.viewportChanged) this.decorations = indents(update.view) }
}, { decorations: /** @param {any} plugin */ plugin => plugin.decorations })

/** An indent and the first letter after it: between them no line ends, or a long word leaves an empty one behind. */
const indented = Decoration.mark({ class: 'cs-indent' })

/** A call of a node that does not run: paler than what a person notes. */
const off = Decoration.mark({ class: 'cs-off' })
export const COMMENTED_CALL = /^\s*#\s*(?:[\w, *]+ = )?[A-Z]\w*\(/

/** @param {any} view */
function indents(view) {
  /** @type {any[]} */
  const found = []
  for (const { from, to } of view.visibleRanges) {
    for (let at = from; at <= to;) {
      const line = view.state.doc.lineAt(at)
      const width = Math.min(line.text.length - line.text.trimStart().length, 24) + 2
      found.push(Decoration.line({ attributes: { style: `padding-left: calc(${width}ch + 6px); text-indent: -${width}ch` } }).range(line.from))
      const start = line.text.length - line.text.trimStart().length
      if (start && start < line.text.length) found.push(indented.range(line.from, line.from + start + 1))
      if (COMMENTED_CALL.test(line.text)) found.push(off.range(line.from + start, line.to))
      at = line.to + 1
    }
  }
  return Decoration.set(found, true)
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
  '.cm-lint-marker-warning': { content: 'normal', backgroundColor: 'var(--cs-warn)', clipPath: 'polygon(50% 5%, 100% 95%, 0 95%)' },
  '.cm-lint-marker-error': { content: 'normal', backgroundColor: 'var(--cs-error)', borderRadius: '50%' },
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
  '.cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail': { color: 'inherit' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-panels': { backgroundColor: 'var(--cs-raised)', color: 'var(--cs-fg)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--cs-border)' },
  '.cm-panel.cm-search': { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '6px', padding: '8px 32px 8px 10px', font: '12px/1.4 Inter, system-ui, sans-serif' },
  '.cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label': { margin: '0', font: 'inherit' },
  '.cm-panel.cm-search .cm-textfield': { flex: '1 1 130px', minWidth: '0', padding: '4px 8px' },
  '.cm-panel.cm-search [name=search]': { flexBasis: '100%' },
  '.cm-panel.cm-search .cm-button': { padding: '3px 8px', cursor: 'pointer' },
  '.cm-panel.cm-search label': { display: 'inline-flex', alignItems: 'center', gap: '4px', color: 'var(--cs-muted)', whiteSpace: 'nowrap' },
  '.cm-panel.cm-search [type=checkbox]': { accentColor: 'var(--cs-accent)' },
  '.cm-panel.cm-search [name=close]': { color: 'inherit', fontSize: '18px', top: '8px', right: '8px' },
  '.cm-textfield:focus-visible, .cm-button:focus-visible': { outline: '2px solid var(--cs-accent)', outlineOffset: '0' },
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
  cm.lineNumbers(), cm.highlightSpecialChars(), cm.drawSelection(), cm.syntaxHighlighting(highlighting), cm.python(), EditorView.lineWrapping, hanging, longTexts,
  look, phrases(), EditorView.theme({}, { dark }), EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocorrect: 'off', autocapitalize: 'off', translate: 'no' }),
]
