// The panel's style sheet, once per page.
import { h } from './dom.mjs'

/** @type {Promise<unknown> | undefined} */
let loading

export const loadStyle = () => (loading ??= new Promise(resolve => {
  const link = h('link', { rel: 'stylesheet', href: new URL('./panel.css', import.meta.url).href })
  link.onload = link.onerror = () => resolve(undefined)
  document.head.append(link)
}))
