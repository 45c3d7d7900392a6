// Keeps what happens in the panel from the page around it, and the other way round.

/**
 * @param {HTMLElement} root @param {import('./dom.mjs').Listeners} listeners
 * @param {(event: KeyboardEvent) => boolean} shortcut carries out a shortcut of the whole panel; whether it was one
 */
export function shield(root, listeners, shortcut) {
  keepKeys(root, listeners, shortcut)
  keepClipboard(root, listeners)
  // Dragging the sidebar's edge would select text in here.
  listeners.on(document, 'pointerdown', event => root.classList.toggle('cs-still', !root.contains(event.target)), true)
  for (const type of ['pointerup', 'pointercancel']) listeners.on(document, type, () => root.classList.remove('cs-still'), true)
}

/** What is copied in here is text, no nodes. @param {HTMLElement} root @param {import('./dom.mjs').Listeners} listeners */
export function keepClipboard(root, listeners) {
  for (const type of ['copy', 'cut', 'paste']) listeners.on(root, type, event => event.stopPropagation())
}

/** ComfyUI's shortcuts listen on the page: what is typed in a field is not meant for them, but for saving. */
export function keepKeys(/** @type {HTMLElement} */ root, /** @type {import('./dom.mjs').Listeners} */ listeners, /** @type {(event: KeyboardEvent) => boolean} */ shortcut) {
  /** Keys that went down in here. @type {Set<string>} */
  const down = new Set()
  listeners.on(window, 'keydown', event => (root.contains(event.target) ? down.add(event.code) : down.delete(event.code)), true)
  listeners.on(window, 'blur', () => down.clear())
  listeners.on(root, 'keydown', event => {
    if (closesDialog(event, root)) return
    if (!event.defaultPrevented && shortcut(event)) event.preventDefault()
    if (event.defaultPrevented || (isTyping(event.target) && !saves(event))) event.stopPropagation()
  })
  // The canvas is drawn anew for each key that comes up anywhere, and hears of it first.
  listeners.on(window, 'keyup', event => { if (down.delete(event.code)) event.stopImmediatePropagation() }, true)
}

/** Escape is for what lies over the page (the report of a run that failed), also while one is still typing. @param {KeyboardEvent} event @param {HTMLElement} root */
const closesDialog = (event, root) => event.key === 'Escape' && [...document.querySelectorAll('[role=dialog]')].some(dialog => !root.contains(dialog) && dialog.checkVisibility())

/** @param {EventTarget | null} target */
const isTyping = target => target instanceof HTMLElement && (target.isContentEditable || target instanceof HTMLInputElement)

/** @param {KeyboardEvent} event */
export const saves = event => (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 's'
