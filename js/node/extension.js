// The ComfyScript node in the editor: sockets and widgets of its script's signature, what it printed, where it failed.
import { app, api } from '../panel/comfy.mjs'
import { attach, saved, showError, showPrinted } from './script_node.mjs'
import { applySignature } from './sockets.mjs'

const TYPE = 'ComfyScript'

/** Every ComfyScript node that a message of the server may be about. @param {string} id */
function nodesOf(id) {
  /** @type {any[]} */
  const found = []
  const local = id.split(':').at(-1)
  const visit = (/** @type {any} */ graph) => {
    for (const node of graph?.nodes ?? graph?._nodes ?? []) {
      if (node.comfyClass === TYPE && String(node.id) === local) found.push(node)
      if (node.subgraph) visit(node.subgraph)
    }
  }
  visit(app.rootGraph ?? app.graph)
  return found
}

app.registerExtension({
  name: 'ComfyScript.Node',

  async beforeRegisterNodeDef(/** @type {any} */ nodeType, /** @type {any} */ nodeData) {
    if (nodeData.name !== TYPE) return
    const configure = nodeType.prototype.configure
    /** The saved signature first, so that saved links and values meet the sockets and widgets they belong to. */
    nodeType.prototype.configure = function (/** @type {any} */ info) {
      const signature = saved(info)
      if (signature) applySignature(this, signature)
      return configure.call(this, info)
    }
    const executed = nodeType.prototype.onExecuted
    nodeType.prototype.onExecuted = function (/** @type {any} */ output) {
      executed?.call(this, output)
      if (Array.isArray(output?.text)) showPrinted(this, output.text.join(''))
    }
  },

  nodeCreated(/** @type {any} */ node) {
    if (node.comfyClass === TYPE) attach(node)
  },

  setup() {
    api.addEventListener('execution_error', (/** @type {any} */ event) => {
      const detail = event.detail ?? {}
      for (const node of nodesOf(String(detail.node_id))) showError(node, String(detail.exception_message ?? ''))
    })
    api.addEventListener('executing', (/** @type {any} */ event) => {
      const id = typeof event.detail === 'object' ? event.detail?.node : event.detail
      if (id !== null && id !== undefined) for (const node of nodesOf(String(id))) showError(node, '')
    })
  },
})
