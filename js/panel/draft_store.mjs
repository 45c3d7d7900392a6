// Edits that are not applied yet, kept per workflow across reloads. A workflow is its file, else the tab it is open in.
import { page } from './comfy.mjs'

const PREFIX = 'ComfyScript.draft:'
const PAGES = 'ComfyScript.pages'
const KEPT = 20

/** @typedef {import('./conflicts.mjs').Conflict} Conflict */
/** @typedef {{ text: string, base: string, time: number, conflicts?: Conflict[], path?: string }} Draft `base`: the graph's script that the edits were made in; `path`: of the workflow. */

/** Pages that were loaded before this one in the same browser tab, and this one. @type {string[]} */
const ours = [...(sessionStorage.getItem(PAGES)?.split(' ') ?? []), page].slice(-8)
sessionStorage.setItem(PAGES, ours.join(' '))
/** Other pages that are open somewhere. @type {Set<string> | undefined} unknown where the browser does not tell */
let alive
/** Drafts that pages before have left, and the tab of this one that has the path of each; none, where that is another script. @type {Map<string, string | undefined>} */
const heirs = new Map()

/** Learns which drafts of unsaved workflows are still at home somewhere. */
export async function lookForPages() {
  const { locks } = navigator
  if (!locks) return
  const { held } = await locks.query()
  alive = new Set((held ?? []).flatMap(({ name }) => (name?.startsWith(`${PAGES}:`) ? [name.slice(PAGES.length + 1)] : [])))
  if (!alive.has(page)) void locks.request(`${PAGES}:${page}`, () => new Promise(() => {}))
}

/** @param {string} key @returns {Draft | undefined} */
export function readDraft(key) {
  try {
    const draft = JSON.parse(localStorage.getItem(PREFIX + key) ?? 'null')
    return typeof draft?.text === 'string' ? draft : undefined
  } catch {
    return undefined
  }
}

/** The page of an unsaved workflow's draft. @param {string} key */
const pageOf = key => (key.startsWith('unsaved:') ? key.split(':')[1] : undefined)

/** Drafts of unsaved workflows of pages that are no more. */
const leftDrafts = () => allDrafts().filter(([name]) => {
  const from = pageOf(name)
  return from && from !== page && (ours.includes(from) || (alive && !alive.has(from)))
})

/**
 * ComfyUI opens tabs again when the page is loaded again: what was left in them waits for them, also when they are closed
 * before they were looked at. @param {{ key: string, path: string | undefined }[]} tabs
 */
export function claimDrafts(tabs) {
  for (const [name, { path }] of leftDrafts()) {
    const tab = path === undefined || heirs.has(name) ? undefined : tabs.find(one => one.path === path)
    if (tab) heirs.set(name, tab.key)
  }
}

/**
 * The draft of an unsaved workflow before the page was loaded again, made in this very script: this tab's own, else one
 * whose tab was not opened again. From then on it belongs to `key`, which is an unsaved workflow too.
 * @param {string} key @param {string} base @param {string | undefined} path @returns {Draft | undefined}
 */
export function adoptDraft(key, base, path) {
  if (!pageOf(key)) return undefined
  const left = leftDrafts()
  for (const [name, draft] of left) if (heirs.get(name) === key && draft.base !== base) heirs.set(name, undefined)
  const same = left.filter(([, draft]) => draft.base === base)
  const found = same.find(([name]) => heirs.get(name) === key) ?? same.find(([name]) => heirs.get(name) === undefined)
  if (!found) return undefined
  const [name, draft] = found
  deleteDraft(name)
  writeDraft(key, { ...draft, path })
  return draft
}

/** The workflow has another name, or a file now. @param {string} from @param {string} to */
export function moveDraft(from, to) {
  const draft = readDraft(from)
  deleteDraft(from)
  if (draft) writeDraft(to, draft)
}

/** Forgets the drafts of unsaved workflows whose tabs were closed. @param {string[]} open keys of what is open */
export function dropClosed(open) {
  for (const [key] of allDrafts()) if (pageOf(key) === page && !open.includes(key)) deleteDraft(key)
}

/** Newest first. @returns {[string, Draft][]} */
const allDrafts = () => Object.keys(localStorage).filter(key => key.startsWith(PREFIX))
  .map(key => /** @type {[string, Draft]} */ ([key.slice(PREFIX.length), readDraft(key.slice(PREFIX.length)) ?? { text: '', base: '', time: 0 }]))
  .sort(([, a], [, b]) => b.time - a.time)

/** @param {string} key @param {Omit<Draft, 'time'>} draft */
export function writeDraft(key, draft) {
  const value = JSON.stringify({ ...draft, time: Date.now() })
  try {
    localStorage.setItem(PREFIX + key, value)
  } catch {
    dropOldest(1) // the newest other one
    try { localStorage.setItem(PREFIX + key, value) } catch { /* no room at all: the draft lives as long as the page */ }
  }
  dropOldest(KEPT)
}

/** @param {string} key */
export const deleteDraft = key => localStorage.removeItem(PREFIX + key)

/** @param {number} keep */
function dropOldest(keep) {
  for (const [key] of allDrafts().slice(keep)) deleteDraft(key)
}
