// Files dropped on the panel, from the disk or from ComfyUI's own lists of outputs.

/** @typedef {import('./server.mjs').FileRef} FileRef */

/**
 * @param {HTMLElement} root @param {import('./dom.mjs').Listeners} listeners
 * @param {{ file: (file: File) => void, output: (file: FileRef) => void }} on
 */
export function acceptDrops(root, listeners, on) {
  for (const type of ['dragenter', 'dragover']) listeners.on(root, type, event => dragOver(root, event))
  listeners.on(root, 'dragleave', event => { if (!root.contains(event.relatedTarget)) root.classList.remove('cs-dropping') })
  listeners.on(root, 'drop', event => {
    root.classList.remove('cs-dropping')
    drop(event, on)
  }, true)
}

/** @param {HTMLElement} root @param {DragEvent} event */
function dragOver(root, event) {
  const types = event.dataTransfer?.types ?? []
  if (!types.includes('Files') && !types.includes('text/uri-list')) return
  event.preventDefault()
  event.stopPropagation()
  root.classList.add('cs-dropping')
}

/** @param {DragEvent} event @param {{ file: (file: File) => void, output: (file: FileRef) => void }} on */
function drop(event, on) {
  const file = event.dataTransfer?.files[0]
  const address = event.dataTransfer?.getData('text/uri-list')
  if (!file && !address) return
  event.preventDefault()
  event.stopPropagation()
  const output = address ? viewedFile(address) : undefined
  if (output) on.output(output)
  else if (file) on.file(file)
}

/** The file behind a `/view?…` address. @param {string} address @returns {FileRef | undefined} */
function viewedFile(address) {
  const first = address.split(/\r?\n/).find(line => line && !line.startsWith('#')) ?? ''
  if (!URL.canParse(first, location.href)) return undefined
  const url = new URL(first, location.href)
  const filename = url.searchParams.get('filename')
  if (url.origin !== location.origin || !/\/view$/.test(url.pathname) || !filename) return undefined
  return { filename, subfolder: url.searchParams.get('subfolder') ?? '', type: url.searchParams.get('type') ?? 'output' }
}
