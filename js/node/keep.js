// Holds the values, sockets and links of saved ComfyScript nodes where the rest of the pack's files did not load: a node
// that ComfyUI makes of the definition alone has one widget, and would forget the others. It imports nothing.
// A page that gets no file of ours at all forgets them indeed, but keeps properties: so the values lie there, too.

/** @type {any} */
const app = /** @type {any} */ (window).comfyAPI.app.app

const TYPE = 'ComfyScript'
// Whatever else a workflow brings along could make the page send requests (`remote`): as in sockets.mjs.
const OPTIONS = ['default', 'min', 'max', 'step', 'tooltip', 'multiline']
const WIDGETS = new Set(['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO'])

/** @param {any} node @param {any} input as the node's properties hold it */
function addWidget(node, input) {
  const options = Object.fromEntries(OPTIONS.flatMap(key => (['string', 'number', 'boolean'].includes(typeof input.options?.[key]) ? [[key, input.options[key]]] : [])))
  const make = app.widgets?.[input.type]
  if (make) make(node, input.name, input.type === 'COMBO' ? [input.choices ?? [], options] : [input.type, options], app)
  else node.addWidget('text', input.name, options.default ?? '', () => {}, {})
}

/** Gives a node what its saved form has values and links for. @param {any} node @param {any} info */
function prepare(node, info) {
  const saved = info?.properties?.comfyscript
  if (!Array.isArray(saved?.inputs) || !Array.isArray(saved?.outputs)) return
  const known = new Set((node.widgets ?? []).map((/** @type {any} */ widget) => widget.name))
  for (const input of saved.inputs) {
    if (WIDGETS.has(input?.type) && typeof input.name === 'string' && !known.has(input.name)) addWidget(node, input)
  }
  // As many as were saved: the definition has as many as a node may have. Not by `removeOutput`: newer frontends know the
  // links of the graph that is loaded already, and would take them away.
  node.outputs?.splice(0)
}

/** The saved form as it was, where a page without this file saved it: the script alone, and all outputs that a node may have. @param {any} info */
function restored(info) {
  const { values, outputs } = info?.properties?.comfyscript ?? {}
  const own = info?.widgets_values
  if (!Array.isArray(values) || !values.length || !Array.isArray(own) || own.length !== 1) return info
  const most = Array.isArray(outputs) && Array.isArray(info.outputs) ? outputs.length : undefined
  return { ...info, widgets_values: [own[0], ...values], outputs: info.outputs?.slice(0, most) }
}

/** Puts a second copy of the values, all but the script, into what is saved. @param {any} info a node's saved form */
function copyValues(info) {
  const signature = info.properties?.comfyscript
  if (!signature || !Array.isArray(info.widgets_values)) return
  info.properties = { ...info.properties, comfyscript: { ...signature, values: info.widgets_values.slice(1) } }
}

app.registerExtension({
  name: 'ComfyScript.Keep',

  async beforeRegisterNodeDef(/** @type {any} */ nodeType, /** @type {any} */ nodeData) {
    if (nodeData.name !== TYPE) return
    const configure = nodeType.prototype.configure
    nodeType.prototype.configure = function (/** @type {any} */ info) {
      if (!nodeType.prototype.comfyScriptLoaded) prepare(this, info)
      return configure.call(this, restored(info))
    }
    const serialized = nodeType.prototype.onSerialize
    nodeType.prototype.onSerialize = function (/** @type {any} */ info) {
      serialized?.call(this, info)
      copyValues(info)
    }
  },

  setup() {
    const nodeType = /** @type {any} */ (window).LiteGraph?.registered_node_types?.[TYPE]
    if (!nodeType || nodeType.prototype.comfyScriptLoaded) return
    app.extensionManager?.toast?.add({
      severity: 'warn',
      summary: 'ComfyScript did not load completely',
      detail: 'Its nodes keep their values and links, and do not follow their scripts. Reload the page.',
    })
  },
})
