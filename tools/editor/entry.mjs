// What the panel uses of CodeMirror, and no more: esbuild drops the rest.
export { Annotation, Compartment, EditorSelection, EditorState, RangeSet, RangeSetBuilder, StateEffect, StateField, Transaction } from '@codemirror/state'
export {
  Decoration, EditorView, GutterMarker, ViewPlugin, WidgetType, crosshairCursor, drawSelection, dropCursor, gutter, gutterLineClass, highlightActiveLine,
  highlightActiveLineGutter, highlightSpecialChars, hoverTooltip, keymap, lineNumbers, placeholder, rectangularSelection, showTooltip, tooltips,
} from '@codemirror/view'
export { defaultKeymap, history, historyKeymap, indentLess, indentMore, isolateHistory } from '@codemirror/commands'
export {
  HighlightStyle, bracketMatching, codeFolding, defaultHighlightStyle, foldGutter, foldKeymap, foldService, indentOnInput, indentUnit, syntaxHighlighting, syntaxTree,
} from '@codemirror/language'
export {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus, insertBracket, insertCompletionText, pickedCompletion,
  startCompletion,
} from '@codemirror/autocomplete'
export { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from '@codemirror/search'
export { forEachDiagnostic, lintGutter, lintKeymap, nextDiagnostic, setDiagnostics } from '@codemirror/lint'
export { MergeView, diff, getChunks, goToNextChunk, goToPreviousChunk, unifiedMergeView } from '@codemirror/merge'
export { python, pythonLanguage } from '@codemirror/lang-python'
export { tags } from '@lezer/highlight'
