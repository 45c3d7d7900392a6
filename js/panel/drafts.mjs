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

/** @param {string} key @param {{ text: string, base: string }} draft */
export function writeDraft(key, draft) {
  const value = JSON.stringify({ ...draft, time: Date.now() })
  try {
    localStorage.setItem(PREFIX + key, value)
  } catch {
    dropOldest(1)
    try { localStorage.setItem(PREFIX + key, value) } catch { /* no room at all: the draft lives as long as the page */ }
  }
  dropOldest(KEPT)
}

/** @param {string} key */
export const deleteDraft = key => localStorage.removeItem(PREFIX + key)

/** @param {number} keep */
function dropOldest(keep) {
  const keys = Object.keys(localStorage).filter(key => key.startsWith(PREFIX))
  const byAge = keys.map(key => ({ key, time: readDraft(key.slice(PREFIX.length))?.time ?? 0 })).sort((a, b) => b.time - a.time)
  for (const { key } of byAge.slice(keep)) localStorage.removeItem(key)
}
