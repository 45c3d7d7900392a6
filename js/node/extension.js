// The ComfyScript node in the editor: sockets and widgets of its script's signature, what it printed, where it failed.
import { app, api } from '../panel/comfy.mjs'
import { attach, beginRun, endProgress, saved, showFailure, showPrinted } from './script_node.mjs'
import { applySignature, withSockets } from './sockets.mjs'

const TYPE = 'ComfyScript'

/** The ComfyScript node that a message of the server is about: `5`, in subgraphs `3:5`. @param {string} id @returns {any} */
function nodeOf(id) {
  /** @type {any} */
  let graph = app.rootGraph ?? app.graph
  let node
  for (const part of id.split(':')) {
    node = graph?.nodes?.find((/** @type {any} */ candidate) => String(candidate.id) === part)
    graph = node?.subgraph
  }
  return node?.comfyClass === TYPE ? node : undefined
}

/** @param {unknown} id @param {(node: any) => void} act */
function withNode(id, act) {
  const node = id === null || id === undefined ? undefined : nodeOf(String(id))
  if (node) act(node)
}

app.registerExtension({
  name: 'ComfyScript.Node',

  async beforeRegisterNodeDef(/** @type {any} */ nodeType, /** @type {any} */ nodeData) {
    if (nodeData.name !== TYPE) return
    // Said to keep.js, which holds what is saved in the nodes where this file is missing.
    nodeType.prototype.comfyScriptLoaded = true
    const configure = nodeType.prototype.configure
    /** The saved signature first, so that saved links and values meet the sockets and widgets they belong to. */
    nodeType.prototype.configure = function (/** @type {any} */ info) {
      const signature = saved(info)
      if (signature) applySignature(this, signature, false)
      return configure.call(this, info)
    }
    const executed = nodeType.prototype.onExecuted
    nodeType.prototype.onExecuted = function (/** @type {any} */ output) {
      executed?.call(this, output)
      if (Array.isArray(output?.text)) showPrinted(this, output.text.join(''))
    }
  },

  /** What the search and the node library show. @param {any[]} definitions */
  beforeRegisterVueAppNodeDefs(definitions) {
    definitions.forEach((one, index) => { if (one.name === TYPE) definitions[index] = withSockets(one) })
  },

  nodeCreated(/** @type {any} */ node) {
    if (node.comfyClass === TYPE) attach(node)
  },

  setup() {
    api.addEventListener('execution_error', (/** @type {any} */ event) => {
      const detail = event.detail ?? {}
      withNode(detail.node_id, node => { endProgress(node); showFailure(node, String(detail.exception_message ?? '')) })
    })
    // A node that fails gives no output: the server sends what it printed before.
    api.addEventListener(/** @type {any} */ ('comfyscript.printed'), (/** @type {any} */ event) => {
      const detail = event.detail ?? {}
      withNode(detail.node, node => showPrinted(node, String(detail.text ?? '')))
    })
    api.addEventListener('executing', (/** @type {any} */ event) => {
      const id = typeof event.detail === 'object' ? event.detail?.node : event.detail
      withNode(id, beginRun)
    })
  },
})
