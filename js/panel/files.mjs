// Scripts of files: of what the server has made, and of what is dropped on the panel.
import { openFile } from './comfy.mjs'
import { style } from './graph_script.mjs'
import * as server from './server.mjs'

/** @typedef {import('./server.mjs').FileRef} FileRef */
/** @typedef {{ name: string, text: string }} NamedScript */
/** @typedef {NamedScript & { saved?: string, problems?: import('./server.mjs').ScriptErrorJson[], load: () => Promise<unknown> }} FileScript `load` opens the file as a graph; `saved`: the script of just what this output needed; `problems`: what of the file is not in it. */

/** @param {FileRef} file @returns {Promise<FileScript>} */
export async function scriptOfOutput(file) {
  const { script, saved, problems } = await server.scriptOfOutput(file, style().args)
  return { name: file.filename, text: script, saved, problems, load: async () => openFile(await download(file)) }
}

/** @param {File} file @returns {Promise<FileScript>} */
export async function scriptOfFile(file) {
  const { script, saved, problems } = await server.scriptOfFile(file, style().args)
  return { name: file.name, text: script, saved, problems, load: async () => openFile(file) }
}

/** @param {FileRef} file */
async function download(file) {
  const response = await fetch(server.viewUrl(file))
  return new File([await response.blob()], file.filename, { type: response.headers.get('Content-Type') ?? '' })
}
