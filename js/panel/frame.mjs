// The panel's elements: a bar with tabs and buttons, a place for every view, and what is said about them.
import { button, h, icon, iconButton } from './dom.mjs'
import { Menu } from './menu.mjs'
import { t } from './text.mjs'

/** @typedef {'script' | 'outputs'} Tab */
/** @typedef {ReturnType<typeof buildFrame>} Frame */

/**
 * @param {object} on
 * @param {(tab: Tab) => void} on.show @param {(event: MouseEvent) => unknown} on.run @param {() => unknown} on.copy
 * @param {() => import('./menu.mjs').Item[]} on.menu what the menu has, each time it opens
 */
export function buildFrame(on) {
  const menu = new Menu(t('more'), on.menu)
  const elements = {
    tabs: buildTabs(on.show),
    run: button(t('run'), event => on.run(event), { class: 'cs-button cs-run', title: t('run.title') }, icon('play')),
    agent: h('div', { class: 'cs-agent', role: 'status', hidden: true }),
    state: h('div', { class: 'cs-state' }),
    welcome: h('div', {}),
    script: h('div', { class: 'cs-view', role: 'tabpanel', id: 'cs-script', 'aria-labelledby': 'cs-tab-script' }),
    outputs: h('div', { class: 'cs-view', role: 'tabpanel', id: 'cs-outputs', 'aria-labelledby': 'cs-tab-outputs', hidden: true }),
    other: h('div', { class: 'cs-view', hidden: true }),
    notes: h('details', { class: 'cs-notes', hidden: true }),
    live: h('div', { class: 'cs-live', role: 'status', 'aria-live': 'polite' }),
  }
  const root = h('div', { class: 'comfyscript', role: 'region', 'aria-label': 'ComfyScript' },
    h('header', { class: 'cs-bar' },
      h('div', { class: 'cs-tabs', role: 'tablist', 'aria-label': 'ComfyScript' }, elements.tabs.script, elements.tabs.outputs),
      h('span', { class: 'cs-space' }),
      iconButton('copy', t('copy'), () => on.copy()), menu.element, elements.run),
    elements.agent, elements.state, elements.welcome, elements.script, elements.outputs, elements.other, elements.notes, elements.live)
  return { ...elements, root, remove: () => { menu.close(); root.remove() } }
}

/** @param {(tab: Tab) => void} show @returns {Record<Tab, HTMLElement>} */
function buildTabs(show) {
  const build = (/** @type {Tab} */ name, /** @type {Tab} */ other) => h('button', {
    type: 'button', role: 'tab', id: `cs-tab-${name}`, 'aria-controls': `cs-${name}`, onclick: () => show(name),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
      show(other)
      tabs[other].focus()
      event.preventDefault()
    },
  }, t(name))
  const tabs = { script: build('script', 'outputs'), outputs: build('outputs', 'script') }
  return tabs
}
