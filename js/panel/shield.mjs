// Keeps what happens in the panel from the page around it, and the other way round.

/** @param {HTMLElement} root @param {import('./dom.mjs').Listeners} listeners */
export function shield(root, listeners) {
  // ComfyUI's own shortcuts, paste and drop handlers sit on the document; what the panel has used stays here.
  listeners.on(root, 'keydown', event => {
    const typing = event.target instanceof HTMLElement && (event.target.isContentEditable || event.target instanceof HTMLInputElement)
    if (event.defaultPrevented || (typing && !event.ctrlKey && !event.metaKey && !event.altKey)) event.stopPropagation()
  })
  for (const type of ['copy', 'cut', 'paste']) listeners.on(root, type, event => event.stopPropagation())
  // Dragging the sidebar's edge would select text in here.
  listeners.on(document, 'pointerdown', event => root.classList.toggle('cs-still', !root.contains(event.target)), true)
  for (const type of ['pointerup', 'pointercancel']) listeners.on(document, type, () => root.classList.remove('cs-still'), true)
}
