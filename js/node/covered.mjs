// The panel's editor over the text field of a node, once the field is seen: a graph with many of them opens at once. Where
// the editor cannot be loaded, the field stays as it is.

/** @typedef {import('./script_editor.mjs').Cover} Cover */

/** @type {Promise<typeof import('./script_editor.mjs')> | undefined} */
let loading

const load = () => (loading ??= import('./script_editor.mjs').then(async module => { await module.prepare(); return module }))

/** What each seen field waits for: one after the other, between the page's own work. @type {Map<HTMLTextAreaElement, (module: Awaited<ReturnType<typeof load>>) => void>} */
const waiting = new Map()
let working = false

async function work() {
  if (working) return
  working = true
  try {
    const module = await load()
    for (let next = waiting.entries().next(); !next.done; next = waiting.entries().next()) {
      const [area, make] = next.value
      waiting.delete(area)
      make(module)
      await new Promise(resolve => setTimeout(resolve))
    }
  } catch (error) {
    waiting.clear()
    console.warn('ComfyScript: the node\'s text stays a plain field', error)
  } finally {
    working = false
  }
}

/**
 * @param {HTMLTextAreaElement} area @param {AbortSignal} signal ends it
 * @returns {{ cover?: Cover, problem?: import('./script_node.mjs').Problem, words?: (problem: import('./script_node.mjs').Problem) => string }} the editor once there is one, what it is to mark, and how that is said
 */
export function coverWhenSeen(area, signal) {
  /** @type {ReturnType<typeof coverWhenSeen>} */
  const held = {}
  const watch = new IntersectionObserver(changes => {
    if (!changes[changes.length - 1].isIntersecting) waiting.delete(area)
    else if (held.cover) held.cover.place()
    else {
      waiting.set(area, module => {
        held.cover = module.coverField(area)
        held.words = module.problemText
        held.cover.mark(held.problem)
      })
      void work()
    }
  })
  watch.observe(area)
  signal.addEventListener('abort', () => {
    watch.disconnect()
    waiting.delete(area)
    held.cover?.remove()
  })
  return held
}
