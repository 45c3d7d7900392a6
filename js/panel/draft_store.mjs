// Edits that are not applied yet, kept per workflow across reloads. A workflow is its file, else the tab it is open in.
import { page } from './comfy.mjs'

const PREFIX = 'ComfyScript.draft:'
const PAGES = 'ComfyScript.pages'
const KEPT = 20

/** @typedef {import('./conflicts.mjs').Conflict} Conflict */
/** @typedef {{ text: string, base: string, time: number, conflicts?: Conflict[] }} Draft `base`: the graph's script that the edits were made in. */

/** Pages that were loaded before this one in the same browser tab, and this one. @type {string[]} */
const ours = [...(sessionStorage.getItem(PAGES)?.split(' ') ?? []), page].slice(-8)
sessionStorage.setItem(PAGES, ours.join(' '))
/** Other pages that are open somewhere. @type {Set<string> | undefined} unknown where the browser does not tell */
let alive

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

/**
 * The draft of an unsaved workflow before the page was loaded again, made in this very script. From then on it belongs
 * to `key`, which is an unsaved workflow too.
 * @param {string} key @param {string} base @returns {Draft | undefined}
 */
export function adoptDraft(key, base) {
  if (!pageOf(key)) return undefined
  for (const [name, draft] of allDrafts()) {
    const from = pageOf(name)
    const left = from && from !== page && (ours.includes(from) || (alive && !alive.has(from)))
    if (!left || draft.base !== base) continue
    moveDraft(name, key)
    return draft
  }
  return undefined
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
