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
  const place = makePlace(file.name, [
    button(t('file.load'), load, {}, icon('folder-open')),
    button(t('file.compare'), compare, {}, icon('arrow-right-arrow-left')),
  ])
  const editor = createEditor({ parent: place, label: file.name, dark: isDark(), readOnly: true, hover: hover(server.schemas) })
  editor.show(file.text)
  return { name: file.name, text: () => file.text, setDark: editor.setDark, close: () => editor.destroy() }
}
