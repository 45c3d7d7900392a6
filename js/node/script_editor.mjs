// The editor that lies over a node's text field. The field stays the widget's: it has the text, ComfyUI sizes and moves it,
// and what is typed here goes through it. Loaded when the first such field is seen.
import { completion, hover } from '../panel/complete.mjs'
import { app, isDark, setting, watchTheme } from '../panel/comfy.mjs'
import { Listeners, h } from '../panel/dom.mjs'
import { createEditor } from '../panel/editor.mjs'
import { schemas } from '../panel/server.mjs'
import { keepClipboard, keepKeys, saves } from '../panel/shield.mjs'
import { signatureHelp } from '../panel/signature.mjs'
import { loadStyle } from '../panel/style.mjs'
import { loadWords, said, t } from '../panel/text.mjs'
import { valueControls } from '../panel/values.mjs'
import { typeNames } from './type_names.mjs'

/** What has to be there before an editor is made. */
export const prepare = () => Promise.all([loadWords(), loadStyle()])

/** All covers, for the palette. @type {Set<Cover>} */
const covers = new Set()
/** @type {HTMLElement | undefined} */
let tips

/** What floats above the page: a node is scaled with the canvas, and clips what is in it. */
function floating() {
  if (!tips) {
    tips = document.body.appendChild(h('div', { class: 'cs-node' }))
    watchTheme(new Listeners(), dark => {
      tips?.classList.toggle('cs-dark', dark)
      for (const cover of covers) cover.setDark(dark)
    })
  }
  return tips
}

/** @param {HTMLTextAreaElement} area */
export const coverField = area => new Cover(area)

/** A problem in ComfyUI's language. @param {import('./script_node.mjs').Problem} problem */
export const problemText = ({ line, message }) => t('node.line', { line, message: said(message) })

const own = /** @type {{ get: () => string, set: (text: string) => void }} */ (Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value'))

/** @param {string} command */
const does = command => () => { void app.extensionManager.command.execute(command); return true }

export class Cover {
  #listeners = new Listeners()
  #host = h('div', { class: 'cs-node cs-node-editor' })
  #moved = new MutationObserver(() => this.place())
  #area
  #editor

  /** @param {HTMLTextAreaElement} area */
  constructor(area) {
    this.#area = area
    this.#editor = createEditor({
      parent: this.#host,
      floating: floating(),
      label: t('node.editor'),
      dark: isDark(),
      compact: true,
      placeholder: area.placeholder,
      onEdit: text => this.#typed(text),
      tabIndents: () => setting('ComfyScript.Panel.TabIndents', true),
      // A text field leaves these to ComfyUI.
      keys: [{ key: 'Mod-Enter', run: does('Comfy.QueuePrompt') }, { key: 'Mod-Shift-Enter', run: does('Comfy.QueuePromptFront') }],
      sources: [typeNames(schemas), completion(schemas)],
      hover: hover(schemas),
      help: [signatureHelp(schemas), valueControls(schemas)],
    })
    this.setDark(isDark())
    this.#follow()
    this.#keep()
    covers.add(this)
    this.place()
  }

  /** Whoever sets the field's text sets the editor's. */
  #follow() {
    const area = this.#area
    const editor = this.#editor
    editor.show(own.get.call(area))
    Object.defineProperty(area, 'value', {
      configurable: true,
      get: () => own.get.call(area),
      set: text => { own.set.call(area, text); editor.show(own.get.call(area)) },
    })
    this.#listeners.add(() => { delete /** @type {any} */ (area).value })
    this.#listeners.on(area, 'focus', () => { if (!this.#host.contains(document.activeElement) && area === document.activeElement) editor.focus() })
  }

  /** @param {string} text */
  #typed(text) {
    own.set.call(this.#area, text)
    this.#area.dispatchEvent(new Event('input', { bubbles: true }))
  }

  /** Keys stay here; what moves the canvas goes to it as from the field. */
  #keep() {
    const [host, listeners, area] = [this.#host, this.#listeners, this.#area]
    keepKeys(host, listeners, () => false)
    keepClipboard(host, listeners)
    host.dataset.captureWheel = 'true'
    listeners.on(host, 'wheel', event => this.#wheel(event), { passive: false })
    for (const type of ['pointerdown', 'pointermove', 'pointerup']) {
      listeners.on(host, type, event => { if (event.button === 1 || event.buttons & 4) area.dispatchEvent(new PointerEvent(type, event)) })
    }
    // ComfyUI selects the node then.
    listeners.on(host, 'focusin', () => area.dispatchEvent(new FocusEvent('focus')))
    listeners.on(document, 'pointerdown', event => { if (host.contains(document.activeElement) && !host.contains(event.target) && !tips?.contains(event.target)) this.#leave() }, true)
    // The canvas scales the node without a word.
    const measure = () => this.#editor.view.requestMeasure()
    for (const type of ['pointerenter', 'focusin']) listeners.on(host, type, measure)
    for (const type of ['wheel', 'pointermove']) listeners.on(document, type, event => { if (host.contains(document.activeElement) && (type === 'wheel' || event.buttons)) measure() }, { passive: true })
  }

  #leave() {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const { scrollHeight, clientHeight } = this.#editor.view.scrollDOM
    const scrolls = !event.ctrlKey && scrollHeight > clientHeight && Math.abs(event.deltaY) >= Math.abs(event.deltaX)
    if (scrolls) return event.stopPropagation()
    const same = new WheelEvent('wheel', event)
    this.#area.dispatchEvent(same)
    if (same.defaultPrevented) event.preventDefault()
    event.stopPropagation()
  }

  /** Over the field, wherever ComfyUI has put that. */
  place() {
    const parent = this.#area.parentElement
    if (this.#host.parentElement === parent) return
    this.#moved.disconnect()
    this.#host.remove()
    this.#area.classList.toggle('cs-covered', Boolean(parent))
    this.#area.tabIndex = parent ? -1 : 0
    if (!parent) return
    parent.append(this.#host)
    this.#moved.observe(parent, { childList: true })
    this.#editor.view.requestMeasure()
  }

  /** Marks a line of the script, or none. @param {import('./script_node.mjs').Problem | undefined} problem */
  mark(problem) {
    this.#editor.setErrors(problem ? [{ ...problem, endColumn: problem.end_column }] : [])
  }

  /** @param {boolean} dark */
  setDark(dark) {
    this.#host.classList.toggle('cs-dark', dark)
    this.#editor.setDark(dark)
  }

  remove() {
    covers.delete(this)
    this.#moved.disconnect()
    this.#listeners.removeAll()
    this.#editor.destroy()
    this.#host.remove()
    this.#area.classList.remove('cs-covered')
    this.#area.tabIndex = 0
  }
}
