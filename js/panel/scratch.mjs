// A script to begin with: what is typed or pasted here becomes a new graph. It is kept until it does.
import { isDark } from './comfy.mjs'
import { completion, hover } from './complete.mjs'
import { button, icon } from './dom.mjs'
import { deleteDraft, readDraft, writeDraft } from './draft_store.mjs'
import { createEditor } from './editor.mjs'
import * as server from './server.mjs'
import { signatureHelp } from './signature.mjs'
import { errorText, t } from './text.mjs'
import { valueControls } from './values.mjs'

const KEY = 'scratch'

/**
 * @param {import('./views.mjs').MakePlace} makePlace
 * @param {object} act
 * @param {(workflow: any) => Promise<void>} act.create opens the new graph
 * @param {(words: string) => void} act.say @param {(what: string, error: unknown) => void} act.complain
 * @param {string} [text] to begin with; undoing brings what was there before
 * @returns {import('./views.mjs').OpenView}
 */
export function openScratch(makePlace, { create, say, complain }, text) {
  const read = async () => {
    const script = editor.text()
    if (!script.trim()) return
    try {
      const answer = await server.readScript(script)
      if (answer.errors) {
        editor.setErrors(answer.errors)
        editor.goTo(answer.errors[0].line, answer.errors[0].column)
        say(errorText(answer.errors[0]))
        return
      }
      deleteDraft(KEY)
      await create(answer.workflow)
    } catch (error) {
      complain(t('newGraph'), error)
    }
  }
  const place = makePlace(t('newGraph'), [button(t('newGraph.create'), read, { class: 'cs-button cs-primary' }, icon('check'))])
  const editor = createEditor({
    parent: place, label: t('newGraph'), dark: isDark(), placeholder: t('newGraph.placeholder'),
    onEdit: edited => { editor.setErrors([]); writeDraft(KEY, { text: edited, base: '' }) },
    keys: [{ key: 'Mod-Enter', run: () => { void read(); return true } }],
    sources: [completion(server.schemas)], hover: hover(server.schemas), help: [signatureHelp(server.schemas), valueControls(server.schemas)],
  })
  editor.show(readDraft(KEY)?.text ?? '')
  if (text !== undefined) editor.replace(text)
  editor.focus()
  return { text: editor.text, setDark: editor.setDark, close: () => editor.destroy() }
}
