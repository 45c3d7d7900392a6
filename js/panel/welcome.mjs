// What the panel says to somebody who is here for the first time, and what an empty graph can begin with.
import { app } from './comfy.mjs'
import { button, h, icon } from './dom.mjs'
import { t } from './text.mjs'

const KNOWN = 'ComfyScript.welcomed'

/** @returns {HTMLElement | undefined} */
function greeting() {
  if (localStorage.getItem(KNOWN)) return undefined
  const done = () => {
    localStorage.setItem(KNOWN, '1')
    box.remove()
  }
  const lines = /** @type {const} */ (['what', 'edit', 'apply', 'run']).map(key => h('li', {}, t(`welcome.${key}`)))
  const box = h('section', { class: 'cs-welcome', 'aria-label': 'ComfyScript' }, h('ul', {}, ...lines), button(t('welcome.done'), done))
  return box
}

/** @param {() => unknown} paste */
function beginnings(paste) {
  const command = (/** @type {string} */ id) => () => void app.extensionManager.command.execute(id)
  return h('section', { class: 'cs-welcome', 'aria-label': t('empty.hint') },
    h('p', {}, t('empty.hint')),
    h('div', { class: 'cs-state-buttons' },
      button(t('empty.templates'), command('Comfy.BrowseTemplates'), {}, icon('th-large')),
      button(t('empty.open'), command('Comfy.OpenWorkflow'), {}, icon('folder-open')),
      button(t('empty.paste'), paste, {}, icon('clipboard'))))
}

export class Welcome {
  #place
  #state
  #paste
  #shown = ''

  /** @param {HTMLElement} place @param {import('./state.mjs').State} state @param {() => unknown} paste puts what is in the clipboard into the script */
  constructor(place, state, paste) {
    this.#place = place
    this.#state = state
    this.#paste = paste
  }

  /** Called whenever the state is shown. */
  show() {
    const { view, loaded, failed, edited, base } = this.#state
    const kind = view !== 'script' || !loaded || failed ? '' : !edited && !base.script.trim() ? 'empty' : localStorage.getItem(KNOWN) ? '' : 'first'
    if (kind === this.#shown) return
    this.#shown = kind
    const box = kind === 'empty' ? beginnings(this.#paste) : kind ? greeting() : undefined
    this.#place.replaceChildren(...(box ? [box] : []))
  }
}
