// The line above the script: how text and graph stand to each other, and what can be done about it.
import { controlOf, widgetOfInput } from './comfy.mjs'
import { button, h, icon } from './dom.mjs'
import { errorText, t } from './text.mjs'

/** @typedef {import('./server.mjs').ScriptErrorJson} ScriptErrorJson */
/** @typedef {import('./state.mjs').State} State */
/**
 * What the line's buttons do.
 * @typedef {object} StatusActions
 * @property {(take: boolean) => void} decide takes the graph's values, or keeps mine
 * @property {() => void} writeAnew forgets the text
 * @property {() => void} refresh @property {() => void} apply @property {() => void} discard @property {() => void} bringBack
 * @property {(error: ScriptErrorJson) => void} goTo
 */

/** @param {'same' | 'edited' | 'error' | 'busy'} kind */
const dot = kind => h('span', { class: `cs-dot cs-dot-${kind}`, 'aria-hidden': 'true' })

/** @param {string} words @param {string} [kind] */
const text = (words, kind = 'cs-state-text') => h('span', { class: kind, title: words }, words)

/** What is wrong, with its line, where a click leads. @param {ScriptErrorJson} error @param {StatusActions} act @param {string} [kind] */
const errorLink = (error, act, kind = 'cs-link') => h('button', { type: 'button', class: kind, title: errorText(error), onclick: () => act.goTo(error) }, errorText(error))

/** @param {StatusActions} act */
const applyButton = act => button(t('apply'), act.apply, { class: 'cs-button cs-primary', title: t('apply.title') }, icon('check'))

/** @param {State} state @param {StatusActions} act */
const discardButton = (state, act) => button(state.moved ? t('useGraph') : t('discard'), act.discard, { title: t('discard.title') })

/** @param {State} state @param {StatusActions} act @returns {HTMLElement[]} */
export function statusParts(state, act) {
  const refresh = () => button(t('refresh'), act.refresh)
  if (state.failed) {
    const own = state.edited && !state.plan?.errors && !state.conflicts ? [applyButton(act)] : []
    return [dot('error'), text(state.failed, 'cs-reason'), h('div', { class: 'cs-state-buttons' }, refresh(), ...own, ...(state.edited ? [discardButton(state, act)] : []))]
  }
  if (!state.loaded) return [dot('busy'), text(t('state.loading'))]
  if (state.edited) return editedParts(state, act)
  if (state.stale) return [dot('edited'), text(t('state.stale')), refresh()]
  const [error] = state.runErrors
  if (state.differences.length) {
    const link = error ? errorLink(error, act) : errorLink(state.warnings[0], act, 'cs-link cs-link-warning')
    return [dot(error ? 'error' : 'edited'), link, h('div', { class: 'cs-state-buttons' }, applyButton(act), button(t('writeAnew'), act.writeAnew))]
  }
  if (state.base.text === 'rewritten') return [dot(error ? 'error' : 'same'), error ? errorLink(error, act) : text(t('state.rewritten')), button(t('bringBack'), act.bringBack, { title: t('bringBack.title') })]
  if (error) return [dot('error'), errorLink(error, act)]
  const [problem] = state.warnings
  if (problem) return [dot('edited'), text(t('state.problems', { count: state.warnings.length }), 'cs-state-whole'), errorLink(problem, act, 'cs-link cs-link-warning')]
  return [dot('same'), text(t('state.same'))]
}

/** @param {State} state @param {StatusActions} act @returns {HTMLElement[]} */
function editedParts(state, act) {
  const discard = discardButton(state, act)
  const unread = state.plan?.errors?.[0]
  if (unread) return [dot('error'), errorLink(unread, act), discard]
  // What a run was refused for can be applied.
  const [refused] = state.runErrors
  if (state.conflicts) {
    const choices = h('div', { class: 'cs-state-buttons' }, button(t('conflict.keepAll'), () => act.decide(false)), button(t('conflict.takeAll'), () => act.decide(true)))
    return [dot('error'), refused ? errorLink(refused, act) : text(t('state.conflicts', { count: state.conflicts }), 'cs-reason'), choices]
  }
  const buttons = h('div', { class: 'cs-state-buttons' }, applyButton(act), discard)
  if (refused) return [dot('error'), errorLink(refused, act), buttons]
  const [first] = state.notApplied
  if (first) return [dot('error'), text(t('state.notApplied', { count: state.notApplied.length, reason: first.message }), 'cs-reason'), buttons]
  if (state.moved) return [dot('edited'), text(t('state.both')), buttons]
  const { warnings } = state
  if (!warnings.length) return [dot('edited'), text(summary(state.plan)), buttons]
  const whole = text(t('state.edited.problems', { what: summary(state.plan), count: warnings.length }), 'cs-state-whole')
  const [own] = newProblems(warnings, state.base.problems ?? [])
  if (own) return [dot('edited'), whole, buttons, errorLink(own, act, 'cs-link cs-link-warning')]
  whole.title = [whole.title, ...warnings.map(errorText)].join('\n')
  return [dot('edited'), whole, buttons]
}

/** Those that the edits have brought: the graph does not have them, or not as often. @param {ScriptErrorJson[]} problems @param {ScriptErrorJson[]} before */
function newProblems(problems, before) {
  const left = before.map(({ message }) => message)
  return problems.filter(({ message }) => {
    const index = left.indexOf(message)
    if (index >= 0) left.splice(index, 1)
    return index < 0
  })
}

/** What Apply would do, in a few words. @param {import('./server.mjs').Plan | undefined} plan */
function summary(plan) {
  if (!plan || plan.errors) return t('state.edited')
  if (!plan.edits.length) return t('state.nothing')
  const fresh = new Set(plan.edits.filter(edit => edit.op === 'add').map(edit => edit.node))
  const count = (/** @type {(edit: import('./server.mjs').Edit) => boolean} */ test) => plan.edits.filter(test).length
  const counts = {
    add: fresh.size,
    remove: count(edit => edit.op === 'remove'),
    off: count(edit => edit.op === 'mode' && edit.value !== 0),
    on: count(edit => edit.op === 'mode' && edit.value === 0),
    set: count(edit => edit.op === 'set' && !fresh.has(edit.node)),
    link: count(edit => (edit.op === 'connect' || edit.op === 'disconnect') && !fresh.has(edit.node)),
    fixed: count(edit => edit.op === 'set' && (controlOf(widgetOfInput(edit.node, edit.input ?? ''))?.value ?? 'fixed') !== 'fixed'),
  }
  return Object.entries(counts).filter(([, number]) => number).map(([name, number]) => t(`change.${name}`, { count: number })).join(', ')
}
