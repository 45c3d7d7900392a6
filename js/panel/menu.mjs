// A menu behind a button, by the ARIA pattern: arrows move, Escape closes.
import { Listeners, h, icon, iconButton } from './dom.mjs'

/** @typedef {{ label: string, icon: string, run: () => unknown, disabled?: boolean }} Item */

export class Menu {
  #listeners = new Listeners()
  #list = h('div', { class: 'cs-menu', role: 'menu', hidden: true })

  /** @param {string} label @param {() => Item[]} items asked each time the menu opens */
  constructor(label, items) {
    this.items = items
    this.button = iconButton('ellipsis-h', label, () => (this.#list.hidden ? this.open() : this.close()), { 'aria-haspopup': 'menu', 'aria-expanded': 'false' })
    this.element = h('div', { class: 'cs-menu-anchor' }, this.button, this.#list)
    this.#list.addEventListener('keydown', event => this.#key(event))
  }

  open() {
    this.#list.replaceChildren(...this.items().map(item =>
      h('button', { type: 'button', role: 'menuitem', tabindex: '-1', disabled: item.disabled, onclick: () => { this.close(); item.run() } }, icon(item.icon), h('span', {}, item.label))))
    this.#list.hidden = false
    this.button.setAttribute('aria-expanded', 'true')
    this.#buttons()[0]?.focus()
    this.#listeners.on(document, 'pointerdown', event => { if (!this.element.contains(event.target)) this.close() }, true)
    this.#listeners.on(this.element, 'focusout', event => { if (event.relatedTarget && !this.element.contains(event.relatedTarget)) this.close() })
  }

  close() {
    this.#list.hidden = true
    this.button.setAttribute('aria-expanded', 'false')
    this.#listeners.removeAll()
  }

  #buttons() {
    return /** @type {HTMLButtonElement[]} */ ([...this.#list.querySelectorAll('button:not(:disabled)')])
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const buttons = this.#buttons()
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement))
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
    if (to !== undefined) buttons[(to + buttons.length) % buttons.length]?.focus()
    else if (event.key === 'Escape') {
      this.close()
      this.button.focus()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
}
