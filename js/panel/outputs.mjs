// The files that were made, newest first: choose one to see its script, two to compare them.
import { api } from './comfy.mjs'
import { Listeners, debounce, h, icon, iconButton } from './dom.mjs'
import { filesOf } from './results.mjs'
import * as server from './server.mjs'
import { t } from './text.mjs'

/** @typedef {import('./server.mjs').FileRef} FileRef */

const IMAGE = /\.(png|jpe?g|webp|gif|avif|bmp)$/i

export class Outputs {
  #listeners = new Listeners()
  #list = h('ul', { class: 'cs-thumbs', role: 'list' })
  element = h('section', { class: 'cs-outputs', 'aria-label': t('outputs') }, this.#list)
  #refresh = debounce(() => void this.load(), 300, 1500)
  /** @type {FileRef | undefined} chosen to be compared with */
  pinned

  /** @param {{ open: (file: FileRef) => void, compare: (left: FileRef, right: FileRef) => void }} options */
  constructor(options) {
    this.options = options
    for (const type of ['executed', 'execution_success']) this.#listeners.on(api, type, () => this.#refresh())
  }

  async load() {
    /** @type {Record<string, any>} */
    let history
    try {
      history = await server.history()
    } catch (error) {
      this.#list.replaceChildren(h('li', { class: 'cs-empty' }, String(error)))
      return
    }
    const runs = Object.values(history).sort((a, b) => (b.prompt?.[0] ?? 0) - (a.prompt?.[0] ?? 0))
    // A run that found everything in the cache names the files of the run before.
    const files = [...new Map(runs.flatMap(run => Object.values(run.outputs ?? {}).flatMap(filesOf)).map(file => [`${file.type}/${file.subfolder}/${file.filename}`, file])).values()]
    this.#list.replaceChildren(...(files.length ? files.map(file => this.#item(file)) : [h('li', { class: 'cs-empty' }, t('outputs.none'))]))
  }

  /** @param {FileRef} file */
  #item(file) {
    const picture = IMAGE.test(file.filename)
      ? h('img', { src: server.viewUrl(file, 'webp;60'), alt: '', loading: 'lazy', draggable: 'true' })
      : h('span', { class: 'cs-thumb-file' }, icon('file'))
    const isPinned = this.pinned && same(this.pinned, file)
    return h('li', { class: isPinned ? 'cs-thumb cs-thumb-pinned' : 'cs-thumb' },
      h('button', { type: 'button', class: 'cs-thumb-open', title: file.filename, 'aria-label': t('outputs.show', { name: file.filename }), onclick: () => this.#choose(file) }, picture),
      h('span', { class: 'cs-thumb-name', title: file.filename }, file.filename),
      iconButton(isPinned ? 'times' : 'arrow-right-arrow-left', isPinned ? t('outputs.unpin') : t('outputs.pin'), () => this.#pin(file),
        { class: 'cs-icon cs-thumb-pin', 'aria-pressed': String(Boolean(isPinned)) }))
  }

  /** @param {FileRef} file */
  #choose(file) {
    const { pinned } = this
    if (pinned && !same(pinned, file)) {
      this.pinned = undefined
      this.options.compare(pinned, file)
    } else this.options.open(file)
  }

  /** @param {FileRef} file */
  #pin(file) {
    if (this.pinned && !same(this.pinned, file)) return this.#choose(file)
    this.pinned = this.pinned ? undefined : file
    void this.load()
  }

  destroy() {
    this.#refresh.cancel()
    this.#listeners.removeAll()
    this.element.remove()
  }
}

/** @param {FileRef} a @param {FileRef} b */
const same = (a, b) => a.filename === b.filename && (a.subfolder ?? '') === (b.subfolder ?? '') && (a.type ?? 'output') === (b.type ?? 'output')
