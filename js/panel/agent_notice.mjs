// The line that says that an agent has changed the graph, with its name and Undo.
import { forgetChange, isLastStep, lastChange, takeBack } from './agent_changes.mjs'
import { button, h, icon, iconButton } from './dom.mjs'
import { t } from './text.mjs'

export class AgentNotice {
  #element
  #onUndo
  /** @type {import('./agent_changes.mjs').Change | undefined} */
  #shown
  #canUndo = false

  /** @param {HTMLElement} element @param {() => void} onUndo */
  constructor(element, onUndo) {
    this.#element = element
    this.#onUndo = onUndo
  }

  /** Shows what holds now; cheap where that is shown already. */
  show() {
    const change = lastChange()
    const canUndo = Boolean(change && isLastStep(change))
    if (change === this.#shown && canUndo === this.#canUndo) return
    this.#shown = change
    this.#canUndo = canUndo
    this.#element.hidden = !change
    this.#element.replaceChildren(...(change ? this.#parts(change, canUndo) : []))
  }

  /** @param {import('./agent_changes.mjs').Change} change @param {boolean} canUndo */
  #parts(change, canUndo) {
    const words = t('agent.changed', { agent: change.agent, count: change.count })
    const undo = button(t('agent.undo'), async () => { await takeBack(change); this.show(); this.#onUndo() }, { title: canUndo ? t('agent.undo.title') : t('agent.since'), disabled: !canUndo }, icon('undo'))
    return [icon('info-circle'), h('span', { class: 'cs-state-text', title: words }, words), undo, iconButton('times', t('agent.close'), () => { forgetChange(change); this.show() })]
  }
}
