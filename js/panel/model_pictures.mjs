// Pictures of models: those that lie beside the files, or in them, as ComfyUI's own model list shows them.
import { api } from './comfy.mjs'
import { h } from './dom.mjs'

const MODEL = /\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$/i
/** The folders that the files of an input lie in, by the input's name, as ComfyUI's own nodes and most others have it. @type {[RegExp, string[]][]} */
const FOLDERS = [
  [/^(?:ckpt|checkpoint)/, ['checkpoints']],
  [/^lora/, ['loras']],
  [/^vae/, ['vae']],
  [/^(?:unet|diffusion|model_name$)/, ['diffusion_models', 'upscale_models']],
  [/^clip/, ['text_encoders', 'clip_vision']],
  [/^control_?net/, ['controlnet']],
  [/^upscale/, ['upscale_models', 'latent_upscale_models']],
  [/^style_model/, ['style_models']],
  [/^gligen/, ['gligen']],
  [/^hypernetwork/, ['hypernetworks']],
]

/** Where each file of a folder lies: the number of the path. @type {Map<string, Promise<Map<string, number>>>} */
const listed = new Map()

/** @param {string} folder */
function filesOf(folder) {
  const known = listed.get(folder)
  if (known) return known
  const files = ask(folder)
  listed.set(folder, files)
  files.catch(() => listed.delete(folder))
  return files
}

/** @param {string} folder @returns {Promise<Map<string, number>>} */
async function ask(folder) {
  const response = await api.fetchApi(`/experiment/models/${folder}`)
  /** @type {{ name: string, pathIndex: number }[]} */
  const files = response.ok ? await response.json() : []
  return new Map(files.map(file => [file.name, file.pathIndex]))
}

/** @param {any} value */
export const isModelFile = value => typeof value === 'string' && MODEL.test(value)

/** Whether a value can be a model with a picture. @param {string} input @param {any} value */
export const mayHavePicture = (input, value) => isModelFile(value) && FOLDERS.some(([name]) => name.test(input))

/** @param {string} input @param {string} value @returns {Promise<HTMLElement | null>} */
export async function pictureOf(input, value) {
  const folders = FOLDERS.find(([name]) => name.test(input))?.[1] ?? []
  for (const folder of folders) {
    const path = (await filesOf(folder).catch(() => undefined))?.get(value)
    if (path === undefined) continue
    const picture = h('img', { class: 'cs-model-picture', alt: '', src: api.apiURL(`/experiment/models/preview/${folder}/${path}/${value.split('/').map(encodeURIComponent).join('/')}`) })
    const loaded = await picture.decode().then(() => true, () => false)
    return loaded ? h('div', { class: 'cs-help cs-model' }, picture, h('div', { class: 'cs-help-muted' }, value)) : null
  }
  return null
}
