// What the server has of the open graph: of the next one it is told only what has changed.

/** @typedef {{ name: string, values: Map<string, string>, nodes: Map<any, string>, order: string }} Sent JSON texts: of the nodes by id, and of all else by key. */

/** This page among others that ask the same server. */
const page = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`
let count = 0

/** @param {Record<string, any>} workflow @returns {Sent} */
function take(workflow) {
  /** @type {Sent['values']} */
  const values = new Map()
  for (const [key, value] of Object.entries(workflow)) {
    // Where one looks at the graph says nothing of it.
    const text = key === 'nodes' ? undefined : JSON.stringify(key === 'extra' && value ? { ...value, ds: undefined } : value)
    if (text !== undefined) values.set(key, text)
  }
  /** @type {Sent['nodes']} */
  const nodes = new Map(workflow.nodes.map((/** @type {any} */ node) => [node.id, JSON.stringify(node)]))
  return { name: `${page} ${count++}`, values, nodes, order: JSON.stringify(workflow.nodes.map((/** @type {any} */ node) => node.id)) }
}

/** @param {Iterable<[string, string]>} entries */
const object = entries => `{${Array.from(entries, ([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`

/** @param {Sent} now */
const whole = now => object([['workflow', object([...now.values, ['nodes', `[${[...now.nodes.values()].join(',')}]`]])], ['keep', JSON.stringify(now.name)]])

/** @param {Sent} now @param {Sent} before */
function changes(now, before) {
  const set = [...now.values].filter(([key, text]) => before.values.get(key) !== text)
  const gone = [...before.values.keys()].filter(key => !now.values.has(key))
  const nodes = [...now.nodes].filter(([id, text]) => before.nodes.get(id) !== text).map(([, text]) => text)
  /** @type {[string, string][]} */
  const parts = [['set', object(set)], ['gone', JSON.stringify(gone)], ['nodes', `[${nodes.join(',')}]`]]
  if (now.order !== before.order) parts.push(['order', now.order])
  return object([['since', JSON.stringify(before.name)], ['changes', object(parts)], ['keep', JSON.stringify(now.name)]])
}

export class SentGraph {
  /** @type {Sent | undefined} */
  #known

  /**
   * The JSON of a request about a graph, and what is to be called once it is answered.
   * @param {Record<string, any> & { workflow: any }} request @returns {{ body: string, answered: () => void }}
   */
  write({ workflow, ...rest }) {
    const now = take(workflow)
    // Ids that are not one's own: what has changed could not be told apart.
    if (now.nodes.size !== workflow.nodes.length) return { body: JSON.stringify({ ...rest, workflow }), answered: () => {} }
    const graph = this.#known ? changes(now, this.#known) : whole(now)
    const others = JSON.stringify(rest)
    return { body: others === '{}' ? graph : `${graph.slice(0, -1)},${others.slice(1)}`, answered: () => { this.#known = now } }
  }

  /** The server does not know the graph any more. */
  forget() {
    this.#known = undefined
  }
}
