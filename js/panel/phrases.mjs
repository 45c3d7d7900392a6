// CodeMirror's own words, in ComfyUI's language.
import { EditorState } from '../vendor/codemirror.mjs'
import { t } from './text.mjs'

/** Its words, and ours for them. */
const WORDS = {
  'Find': 'editor.find',
  'Replace': 'editor.replaceWith',
  'next': 'editor.next',
  'previous': 'editor.previous',
  'all': 'editor.all',
  'match case': 'editor.case',
  'regexp': 'editor.regexp',
  'by word': 'editor.word',
  'replace': 'editor.replace',
  'replace all': 'editor.replaceAll',
  'close': 'editor.close',
  'current match': 'editor.match',
  'on line': 'editor.onLine',
  'replaced $ matches': 'editor.replaced',
  'replaced match on line $': 'editor.replacedLine',
  'Go to line': 'editor.goTo',
  'go': 'editor.go',
  'Completions': 'editor.completions',
  'Diagnostics': 'editor.diagnostics',
  'No diagnostics': 'editor.noDiagnostics',
  'Fold line': 'editor.fold',
  'Unfold line': 'editor.unfoldLine',
  'unfold': 'editor.unfold',
  'folded code': 'editor.folded',
  'Control character': 'editor.control',
  '$ unchanged lines': 'editor.unchanged',
}

export const phrases = () => EditorState.phrases.of(Object.fromEntries(Object.entries(WORDS).map(([word, key]) => [word, t(key)])))
