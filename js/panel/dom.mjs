// The little that the panel needs of a DOM library.

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, any>} [properties] `class`, `on*` listeners, `aria-*` and other attributes
 * @param {...(Node | string | undefined | null | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.filter(/** @returns {child is Node | string} */ child => child !== undefined && child !== null && child !== false))
  return element
}

/** @param {string} name of PrimeIcons, which ComfyUI ships */
export const icon = name => h('i', { class: `pi pi-${name}`, 'aria-hidden': 'true' })

/** A button with an icon; its label is its tooltip and its name for screen readers. @param {string} name @param {string} label @param {(event: MouseEvent) => unknown} onclick @param {Record<string, any>} [properties] */
export const iconButton = (name, label, onclick, properties = {}) =>
  h('button', { type: 'button', class: 'cs-icon', title: label, 'aria-label': label, onclick, ...properties }, icon(name))

/** @param {string} label @param {(event: MouseEvent) => unknown} onclick @param {Record<string, any>} [properties] @param {...(Node | string)} before */
export const button = (label, onclick, properties = {}, ...before) =>
  h('button', { type: 'button', class: 'cs-button', onclick, ...properties }, ...before, h('span', {}, label))

/** Calls `f` once things have been quiet for `wait` ms, and at the latest `most` ms after the first call. @param {() => void} f @param {number} wait @param {number} most */
export function debounce(f, wait, most) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let first = 0
  const call = () => {
    const now = performance.now()
    if (timer === undefined) first = now
    else clearTimeout(timer)
    timer = setTimeout(() => { timer = undefined; f() }, Math.max(0, Math.min(wait, first + most - now)))
  }
  call.cancel = () => { clearTimeout(timer); timer = undefined }
  call.isDue = () => timer !== undefined
  return call
}

/** Listeners that go together. */
export class Listeners {
  /** @type {(() => void)[]} */
  #off = []

  /** @param {EventTarget} target @param {string} type @param {(event: any) => void} listener @param {AddEventListenerOptions | boolean} [options] */
  on(target, type, listener, options) {
    target.addEventListener(type, listener, options)
    this.#off.push(() => target.removeEventListener(type, listener, options))
  }

  /** @param {() => void} off */
  add(off) {
    this.#off.push(off)
  }

  removeAll() {
    for (const off of this.#off.splice(0)) off()
  }
}
