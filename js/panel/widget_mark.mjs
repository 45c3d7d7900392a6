// The widget of a value that is chosen in the script, for a moment framed in the graph.
import { app } from './comfy.mjs'
import { h } from './dom.mjs'

const SHOWN = 1600

/** @type {HTMLElement | undefined} */
let frame
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer

/** Where a widget is on the page: as an element of its own (Nodes 2.0, text fields), else as the canvas draws it. @param {any} node @param {any} widget */
function boxOf(node, widget) {
  const element = widget.element?.isConnected ? widget.element : elementOf(node, widget)
  if (element) return element.getBoundingClientRect()
  if (widget.last_y === undefined || node.flags?.collapsed) return undefined
  const { ds, canvas } = app.canvas
  const page = canvas.getBoundingClientRect()
  const [x, y] = [node.pos[0] + ds.offset[0], node.pos[1] + widget.last_y + ds.offset[1]]
  const height = widget.computedHeight ?? /** @type {any} */ (window).LiteGraph.NODE_WIDGET_HEIGHT
  return new DOMRect(page.left + (x + 10) * ds.scale, page.top + y * ds.scale, (node.size[0] - 20) * ds.scale, height * ds.scale)
}

/** The row of a widget, where nodes are elements of the page. @param {any} node @param {any} widget */
function elementOf(node, widget) {
  if (!(/** @type {any} */ (window).LiteGraph.vueNodesMode)) return undefined
  const place = document.querySelector(`[data-node-id="${CSS.escape(String(node.id))}"]`)
  const rows = [...place?.querySelectorAll('.lg-node-widget, [data-testid=node-widget]') ?? []]
  const shown = (node.widgets ?? []).filter((/** @type {any} */ one) => !one.hidden && !one.options?.hidden && !one.options?.canvasOnly)
  return rows[shown.indexOf(widget)]
}

/** @param {any} node @param {string} input */
export function showWidget(node, input) {
  frame?.remove()
  clearTimeout(timer)
  const widget = node.widgets?.find((/** @type {any} */ one) => one.name === input)
  if (!widget) return
  // The canvas may be on its way to the node.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const box = boxOf(node, widget)
    if (!box?.width) return
    frame = document.body.appendChild(h('div', { class: 'cs-node cs-widget-mark', style: `left: ${box.left - 2}px; top: ${box.top - 2}px; width: ${box.width + 4}px; height: ${box.height + 4}px` }))
    timer = setTimeout(() => frame?.remove(), SHOWN)
  }))
}
