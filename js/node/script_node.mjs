// One ComfyScript node: its text is read as it is typed, its output and errors are shown.
import { api, app, inputLink } from '../panel/comfy.mjs'
import { located } from '../panel/located.mjs'
import { coverWhenSeen } from './covered.mjs'
import { indentByTab } from './indent.mjs'
import { applySignature, firstScript } from './sockets.mjs'

/** @typedef {import('./sockets.mjs').Signature} Signature */
/** @typedef {{ line: number, column: number, end_column?: number, message: string }} Problem */

const DELAY = 250
const LEAST_HEIGHT = 130
/** Above and below the element of a widget, inside of its height. */
const MARGINS = 20
/** Of a new node: ComfyUI made it as high as all outputs that a node may have. */
const SIZE = [420, 320]
const MOST_PRINTED = 260
/** Printed lines that are seen without scrolling, whatever the node's size. */
const SEEN_LINES = 4
const LINE_HEIGHT = 15

/** The signature that a saved node carries, as far as it can be one. @param {any} info @returns {Signature | undefined} */
export function saved(info) {
  const found = info?.properties?.comfyscript
  if (!Array.isArray(found?.inputs) || !Array.isArray(found?.outputs)) return undefined
  const named = (/** @type {any} */ item) => typeof item?.name === 'string' && typeof item?.type === 'string' && !item.name.startsWith('__') && item.name !== 'script' && item.name !== 'printed'
  return { main: Boolean(found.main), any_input: Boolean(found.any_input), inputs: found.inputs.filter(named), outputs: found.outputs.filter(named), errors: [] }
}

/** @param {any} node */
const scriptWidget = node => node.widgets?.find((/** @type {any} */ widget) => widget.name === 'script')

/** The script's text field. @param {any} node @returns {HTMLTextAreaElement | undefined} */
function textArea(node) {
  const widget = scriptWidget(node)
  const element = widget?.element ?? widget?.inputEl
  return element instanceof HTMLTextAreaElement ? element : undefined
}

/** @param {string} script @returns {Promise<Signature>} */
async function readSignature(script) {
  const response = await api.fetchApi('/comfyscript/signature', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ script }),
  })
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
  return response.json()
}

/** The editor over each node's text. @type {WeakMap<any, ReturnType<typeof coverWhenSeen>>} */
const covers = new WeakMap()

/** Called once for each node that is made. @param {any} node */
export function attach(node) {
  const widget = scriptWidget(node)
  if (!widget) return
  while (node.outputs?.length) node.removeOutput(node.outputs.length - 1)
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let read = ''
  let asked = 0
  /** The failure that was shown when the text was typed: a later one is of this text. @type {object | undefined} */
  let before

  async function refresh() {
    timer = undefined
    const script = String(widget.value ?? '')
    // Newer frontends keep values apart from the fields that show them.
    if (element && element.value !== script) element.value = script
    if (script === read || isLinked(node)) return
    const question = ++asked
    try {
      const signature = await readSignature(script)
      if (question !== asked || !node.graph) return
      read = script
      if (failures.get(node) === before) showFailure(node, undefined)
      // While a line is half written the sockets stay as they were.
      if (signature.errors.length) {
        showProblem(node, signature.errors[0])
        showReason(node, words(node, signature.errors[0]))
      }
      else applySignature(node, signature)
    } catch (error) {
      console.warn('ComfyScript: the signature could not be read', error)
    }
  }

  const schedule = () => {
    if (timer !== undefined) clearTimeout(timer)
    before = failures.get(node)
    timer = setTimeout(refresh, DELAY)
  }
  const callback = widget.callback
  widget.callback = (/** @type {any[]} */ ...args) => {
    callback?.apply(widget, args)
    schedule()
  }
  const element = textArea(node)
  const stop = new AbortController()
  // Nodes 2.0 draws a text field of its own for a type that it knows, and shows the element of any other.
  if (element) widget.type = 'comfyscript'
  widget.options.getMinHeight = () => LEAST_HEIGHT
  keepOnNode(widget)
  if (element) {
    element.spellcheck = false
    element.classList.add('comfyscript-node-text')
    Object.assign(element.style, { fontFamily: 'monospace', whiteSpace: 'pre', overflow: 'auto', tabSize: '4', minHeight: `${LEAST_HEIGHT - MARGINS}px` })
    element.dataset.captureWheel = 'true'
    element.addEventListener('input', schedule, { signal: stop.signal })
    element.addEventListener('keydown', indentByTab(), { signal: stop.signal })
    covers.set(node, coverWhenSeen(element, stop.signal))
  }
  const configured = node.onConfigure
  node.onConfigure = (/** @type {any[]} */ ...args) => {
    configured?.apply(node, args)
    schedule()
  }
  const removed = node.onRemoved
  node.onRemoved = (/** @type {any[]} */ ...args) => {
    if (timer !== undefined) clearTimeout(timer)
    asked++
    stop.abort()
    removed?.apply(node, args)
  }
  const first = firstScript(node.constructor.nodeData)
  if (first && first.script === widget.value) {
    applySignature(node, first.signature)
    read = first.script
  }
  node.setSize?.([...SIZE])
  schedule()
}

/**
 * The side panel has no field for widgets of other types than ComfyUI's. Newer ones leave out what asks for it; older
 * ones show an empty row, and leave its width on the node's own widget. @param {any} widget
 */
function keepOnNode(widget) {
  widget.options.hideInPanel = true
  Object.defineProperty(widget, 'width', { configurable: true, get: () => undefined, set: () => {} })
}

/** Whether the script comes from another node: then nobody knows it here. @param {any} node */
const isLinked = node => node.inputs?.some((/** @type {any} */ input, /** @type {number} */ slot) => input.name === 'script' && inputLink(node, slot))

// What it printed, and why it failed

/** @param {any} node @param {string} text */
export function showPrinted(node, text) {
  endProgress(node)
  const widget = below(node) ?? (text ? addBelow(node) : undefined)
  if (!widget) return
  widget.text.textContent = text
  fit(widget)
}

/** @param {any} node @param {string} reason */
function showReason(node, reason) {
  const widget = below(node) ?? (reason ? addBelow(node) : undefined)
  if (!widget) return
  widget.reason.textContent = reason
  fit(widget)
}

/** The element under the script, once there was something to show. @param {any} node */
const below = node => node.widgets?.find((/** @type {any} */ widget) => widget.name === 'printed')

/** @param {any} node */
function addBelow(node) {
  const element = document.createElement('div')
  element.className = 'comfyscript-printed'
  Object.assign(element.style, {
    padding: '4px 6px', overflow: 'auto', font: `11px/${LINE_HEIGHT}px monospace`, whiteSpace: 'pre-wrap', userSelect: 'text',
    background: 'var(--comfy-input-bg, #222)', color: 'var(--input-text, #ddd)', borderRadius: '4px',
    minHeight: '24px', maxHeight: `${MOST_PRINTED}px`,
  })
  const text = element.appendChild(document.createElement('div'))
  const reason = element.appendChild(document.createElement('div'))
  reason.style.color = 'color-mix(in srgb, #f44 65%, var(--input-text, #ddd))'
  // The wheel scrolls it, and the canvas where there is nothing to scroll.
  element.dataset.captureWheel = 'true'
  element.addEventListener('wheel', event => {
    if (element.scrollHeight > element.clientHeight) event.stopPropagation()
  })
  const widget = node.addDOMWidget('printed', 'comfyscript-printed', element, {
    serialize: false,
    hideOnZoom: true,
    getMinHeight: () => MARGINS + 9 + LINE_HEIGHT * widget.seenLines,
    getValue: () => '',
    setValue: () => {},
  })
  widget.serialize = false
  keepOnNode(widget)
  Object.assign(widget, { text, reason, seenLines: 1 })
  node.setSize?.([node.size[0], node.size[1] + 64])
  return widget
}

/** @param {any} widget */
function fit(widget) {
  const lines = `${widget.text.textContent}${widget.reason.textContent}`.trimEnd().split('\n').length
  widget.seenLines = Math.min(lines, SEEN_LINES)
}

/** The name of the inner node that runs is shown by ComfyUI itself; it goes when all have run. @param {any} node */
export function endProgress(node) {
  const index = node.widgets?.findIndex((/** @type {any} */ widget) => widget.name === '$$node-text-preview') ?? -1
  if (index < 0) return
  node.widgets[index].onRemove?.()
  node.widgets.splice(index, 1)
}

// Where it failed

/** The failure that each node shows. @type {WeakMap<any, object>} */
const failures = new WeakMap()

/** A run begins: what the last one printed and where it failed is past. @param {any} node */
export function beginRun(node) {
  showFailure(node, undefined)
  const widget = below(node)
  if (widget) widget.text.textContent = ''
}

/** From an error of the server: `line 3, column 5: …`; no line is marked where it is about none. @param {any} node @param {string | undefined} message */
export function showFailure(node, message) {
  if (message === undefined) failures.delete(node)
  else failures.set(node, { message })
  const problem = message === undefined ? undefined : located(message)
  showProblem(node, problem)
  showReason(node, problem ? words(node, problem) : message?.trim() ?? '')
}

/** @param {any} node @param {Problem} problem */
const words = (node, problem) => covers.get(node)?.words?.(problem) ?? `line ${problem.line}: ${problem.message}`

/** Marks a line of the script, or none. @param {any} node @param {Problem | undefined} problem */
function showProblem(node, problem) {
  const element = textArea(node)
  if (!element) return
  const over = covers.get(node)
  if (over) {
    over.problem = problem
    over.cover?.mark(problem)
  }
  element.title = problem ? words(node, problem) : ''
  element.dataset.errorLine = problem ? String(problem.line) : ''
  if (!problem) {
    element.style.backgroundImage = ''
    return
  }
  const style = getComputedStyle(element)
  const height = parseFloat(style.lineHeight) || parseFloat(style.fontSize) * 1.2
  const top = parseFloat(style.paddingTop) + (problem.line - 1) * height
  element.style.lineHeight = `${height}px`
  element.style.backgroundAttachment = 'local'
  element.style.backgroundRepeat = 'no-repeat'
  const red = 'rgba(220, 50, 50, 0.35)'
  element.style.backgroundImage = `linear-gradient(to bottom, transparent ${top}px, ${red} ${top}px, ${red} ${top + height}px, transparent ${top + height}px)`
}
