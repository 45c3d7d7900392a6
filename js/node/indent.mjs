// Tab in a text field, as in an editor: it indents, Shift+Tab takes back, and after Escape it leaves the field.

const UNIT = 4

/** A listener for `keydown` of one field. @returns {(event: KeyboardEvent) => void} */
export function indentByTab() {
  let leaving = false
  return event => {
    if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return
    const leaves = leaving
    leaving = event.key === 'Escape'
    if (event.key !== 'Tab' || event.ctrlKey || event.altKey || event.metaKey || leaves) return
    const area = /** @type {HTMLTextAreaElement} */ (event.target)
    const { value, selectionStart, selectionEnd } = area
    if (event.shiftKey || value.slice(selectionStart, selectionEnd).includes('\n')) shiftLines(area, event.shiftKey)
    else document.execCommand('insertText', false, ' '.repeat(UNIT - columnOf(area) % UNIT))
    event.preventDefault()
  }
}

/** @param {HTMLTextAreaElement} area */
const columnOf = ({ value, selectionStart }) => selectionStart - (value.lastIndexOf('\n', selectionStart - 1) + 1)

/** As one step of the field's own undo. @param {HTMLTextAreaElement} area @param {boolean} back */
function shiftLines(area, back) {
  const { value, selectionStart, selectionEnd } = area
  const from = value.lastIndexOf('\n', selectionStart - 1) + 1
  // A selection that ends where a line begins does not mean that line.
  const last = selectionEnd > selectionStart && value[selectionEnd - 1] === '\n' ? selectionEnd - 1 : selectionEnd
  const to = value.indexOf('\n', last) < 0 ? value.length : value.indexOf('\n', last)
  const old = value.slice(from, to)
  const shifted = old.split('\n').map(line => (back ? line.replace(/^ {1,4}/, '') : line && ' '.repeat(UNIT) + line)).join('\n')
  if (shifted === old) return
  const first = shifted.split('\n')[0].length - old.split('\n')[0].length
  area.setSelectionRange(from, to)
  document.execCommand('insertText', false, shifted)
  area.setSelectionRange(Math.max(from, selectionStart + first), Math.max(from, selectionEnd + shifted.length - old.length))
}
