// The script of a file, to be read, compared with the graph's, or loaded as a graph.
import { isDark } from './comfy.mjs'
import { hover } from './complete.mjs'
import { button, icon } from './dom.mjs'
import { createEditor } from './editor.mjs'
import * as server from './server.mjs'
import { t } from './text.mjs'

/**
 * @param {import('./views.mjs').MakePlace} makePlace @param {import('./files.mjs').FileScript} file
 * @param {{ compare: () => void, complain: (what: string, error: unknown) => void }} act
 * @returns {import('./views.mjs').OpenView}
 */
export function openFileView(makePlace, file, { compare, complain }) {
  const load = async () => { try { await file.load() } catch (error) { complain(file.name, error) } }
  let { text } = file
  const needed = button(t('file.needed'), () => {
    text = text === file.text ? String(file.saved) : file.text
    needed.setAttribute('aria-pressed', String(text !== file.text))
    show()
  }, { title: t('file.needed.title'), 'aria-pressed': 'false' }, icon('filter'))
  const place = makePlace(file.name, [
    button(t('file.load'), load, {}, icon('folder-open')),
    button(t('file.compare'), compare, {}, icon('arrow-right-arrow-left')),
    ...(file.saved && file.saved !== file.text ? [needed] : []),
  ])
  const editor = createEditor({ parent: place, label: file.name, dark: isDark(), readOnly: true, hover: hover(server.schemas) })
  const show = () => {
    editor.show(text)
    // What one output needed was written of its prompt: nothing of the file is left out there.
    editor.setErrors([], text === file.text ? file.problems ?? [] : [])
  }
  show()
  return { name: file.name, text: () => text, setDark: editor.setDark, close: () => editor.destroy() }
}
