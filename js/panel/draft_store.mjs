// Edits that are not applied yet, kept per workflow across reloads.

const PREFIX = 'ComfyScript.draft:'
const KEPT = 20

/** @typedef {{ text: string, base: string, time: number }} Draft `base`: the graph's script that the edits were made in. */

/** @param {string} key @returns {Draft | undefined} */
export function readDraft(key) {
  try {
    const draft = JSON.parse(localStorage.getItem(PREFIX + key) ?? 'null')
    return typeof draft?.text === 'string' ? draft : undefined
  } catch {
    return undefined
  }
}

/**
 * A draft of a workflow that is open no more, made in this very script: an unsaved workflow can have another name after
 * a reload. From then on it belongs to `key`.
 * @param {string} key @param {string} base @param {string[]} open @returns {Draft | undefined}
 */
export function adoptDraft(key, base, open) {
  for (const [name, draft] of allDrafts()) {
    if (draft.base !== base || open.includes(name)) continue
    deleteDraft(name)
    writeDraft(key, draft)
    return draft
  }
  return undefined
}

/** Newest first. @returns {[string, Draft][]} */
const allDrafts = () => Object.keys(localStorage).filter(key => key.startsWith(PREFIX))
  .map(key => /** @type {[string, Draft]} */ ([key.slice(PREFIX.length), readDraft(key.slice(PREFIX.length)) ?? { text: '', base: '', time: 0 }]))
  .sort(([, a], [, b]) => b.time - a.time)

/** @param {string} key @param {{ text: string, base: string }} draft */
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
