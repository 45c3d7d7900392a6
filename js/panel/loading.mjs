// Whether a graph is being loaded. It lies there before its workflow is the open one, longer the more packs look at it:
// who asks then takes it for another workflow's.
import { app, openTab, rootGraph } from './comfy.mjs'

/** As long a load is waited for that nobody says the end of, in ms: one that fails, or an older frontend's. */
const PATIENCE = 10_000
const PAUSE = 16

/** @type {{ tab: object | undefined, until: number, configured: boolean } | undefined} */
let load

/** A workflow begins to be loaded: the graph is empty, and still the workflow's that was open. */
export const loadBegins = () => { load = { tab: openTab(), until: performance.now() + PATIENCE, configured: false } }

/** Its nodes are there. */
export const graphConfigured = () => { if (load) load.configured = true }

/** @param {NonNullable<typeof load>} load */
function goesOn({ tab, until, configured }) {
  if (openTab() !== tab) return false
  const tracker = /** @type {any} */ (tab)
  // Its own undo: the graph is this workflow's.
  if (configured && tracker?._restoringState) return false
  // In newer frontends. It stays true while models are looked for.
  const flag = tracker?.constructor.isLoadingGraph
  if (flag) return true
  if (performance.now() > until) return false
  if (!configured) return true
  const id = app.extensionManager.workflow?.activeWorkflow?.activeState?.id
  return flag === undefined && id !== undefined && id !== rootGraph().id
}

/** Until the graph is that of the open workflow. */
export async function loaded() {
  while (load && goesOn(load)) await new Promise(resolve => setTimeout(resolve, PAUSE))
  load = undefined
}
