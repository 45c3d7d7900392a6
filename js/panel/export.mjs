// Text on its way out of the page.
import { h } from './dom.mjs'

/** To the clipboard. @param {string} text */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  // Over plain http from another machine, browsers have no clipboard API.
  const area = h('textarea', { style: 'position: fixed; opacity: 0' })
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

/** As a Python file. @param {string} text @param {string} name */
export function saveText(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/x-python' }))
  const link = h('a', { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
