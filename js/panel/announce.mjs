// Tells the server that this page is open and when it was looked at last, so that an agent reaches the page that a person
// works in.
import { api } from './comfy.mjs'

let lookedAt = performance.now()

function announce() {
  if (!api.clientId) return
  const body = JSON.stringify({ client: api.clientId, age: (performance.now() - lookedAt) / 1000 })
  // A server without this route has no agents either.
  void api.fetchApi('/comfyscript/agent/page', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }).catch(() => {})
}

/** From now on, and now. */
export function announcePage() {
  window.addEventListener('focus', () => { lookedAt = performance.now(); announce() })
  api.addEventListener('reconnected', announce)
  if (api.clientId) announce()
  // ComfyUI's first message brings the id.
  else api.addEventListener('status', announce, { once: true })
}
