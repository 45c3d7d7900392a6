// What agents have changed in open graphs, for as long as that can be taken back; and the panel, which waits meanwhile.
import { activeTracker, app } from './comfy.mjs'
import { t } from './text.mjs'

/** @typedef {{ agent: string, count: number, tracker: any, steps: number }} Change `steps`: of ComfyUI's undo, with this one */
/** The open panel: whether it changes the graph itself, and what it does before and after. @typedef {{ busy: () => boolean, begin: () => void, end: () => void }} PanelSide */

const MOST = 20
const PATIENCE = 50

/** @type {Change[]} */
const changes = []
/** @type {PanelSide | undefined} */
let panel

/** @param {PanelSide} side @returns {() => void} */
export function attachPanel(side) {
  panel = side
  return () => { if (panel === side) panel = undefined }
}

/** Whether the panel is still at work after some seconds. */
export async function busyPanel() {
  for (let tries = 0; panel?.busy() && tries < PATIENCE; tries++) await new Promise(resolve => setTimeout(resolve, 100))
  return Boolean(panel?.busy())
}

/** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
export async function panelWaits(work) {
  const side = panel
  side?.begin()
  try {
    return await work()
  } finally {
    side?.end()
  }
}

/** The open graph was changed just now, as one step. @param {string} agent @param {number} count */
export function noteChange(agent, count) {
  const tracker = activeTracker()
  changes.push({ agent, count, tracker, steps: tracker?.undoQueue.length ?? 0 })
  changes.splice(0, changes.length - MOST)
  if (!panel) app.extensionManager.toast.add({ severity: 'info', summary: 'ComfyScript', detail: `${t('agent.changed', { agent, count })} ${t('agent.keys')}`, life: 8000 })
}

/** The last change of the open graph by an agent. @returns {Change | undefined} */
export const lastChange = () => changes.filter(change => change.tracker === activeTracker()).at(-1)

/** Whether nothing was changed after it. @param {Change} change */
export const isLastStep = change => change.tracker === activeTracker() && change.tracker?.undoQueue.length === change.steps

/** It is seen, or taken back. @param {Change} change */
export function forgetChange(change) {
  const at = changes.indexOf(change)
  if (at >= 0) changes.splice(at, 1)
}

/** Takes it back by ComfyUI's own undo. @param {Change} change */
export async function takeBack(change) {
  if (!isLastStep(change)) return
  forgetChange(change)
  await change.tracker.undo()
}
