// What the panel shows: the graph's script, the outputs, or one other view in their place.
import { isDark } from './comfy.mjs'
import { showDiff } from './diff.mjs'
import { h, iconButton } from './dom.mjs'
import { openFileView } from './file_view.mjs'
import { scriptOfFile, scriptOfOutput } from './files.mjs'
import { Outputs } from './outputs.mjs'
import { openScratch } from './scratch.mjs'
import { t } from './text.mjs'

/** @typedef {import('./server.mjs').FileRef} FileRef */
/** @typedef {import('./files.mjs').NamedScript} NamedScript */
/** @typedef {import('./files.mjs').FileScript} FileScript */
/** @typedef {import('./frame.mjs').Tab} Tab */
/** @typedef {{ close: () => void, name?: string, text?: () => string, setDark?: (dark: boolean) => void }} OpenView `name` and `text`: of the script that it shows instead of the graph's. */
/** @typedef {(title: string, actions: HTMLElement[], kind?: string) => HTMLElement} MakePlace Where a view goes, under its title and buttons. */

export class Views {
  #options
  /** @type {OpenView | undefined} */
  #open
  /** @type {Outputs | undefined} the last one, for what is chosen there */
  #outputs

  /**
   * @param {object} options
   * @param {import('./state.mjs').State} options.state
   * @param {Pick<import('./frame.mjs').Frame, 'tabs' | 'script' | 'outputs' | 'other'>} options.elements
   * @param {() => void} options.onShow after another view has opened
   * @param {(workflow: any) => Promise<void>} options.create makes a new graph
   * @param {(words: string) => void} options.say @param {(what: string, error: unknown) => void} options.complain
   */
  constructor(options) {
    this.#options = options
  }

  /** The script on screen, where it is not the graph's. */
  get text() {
    return this.#open?.text?.()
  }

  /** The name of the file whose script is on screen. */
  get fileName() {
    return this.#open?.name
  }

  /** @param {boolean} dark */
  setDark(dark) {
    this.#open?.setDark?.(dark)
  }

  /** @param {Tab} tab */
  show(tab) {
    this.#switch(tab, tab, tab === 'outputs' ? () => this.#openOutputs() : undefined)
  }

  /** @param {string} [text] a script to begin with */
  showScratch(text) {
    this.#switch('scratch', 'script', makePlace => openScratch(makePlace, this.#options, text))
  }

  /** @param {NamedScript} left @param {NamedScript} right @param {Tab} [tab] where that was asked for */
  compare(left, right, tab = 'outputs') {
    this.#switch('diff', tab, makePlace => ({ close: showDiff(makePlace(t('diff'), [], 'cs-editor cs-editor-diff'), left, right, isDark()) }))
  }

  /** @param {FileRef} file */
  showOutput(file) {
    return this.#try(file.filename, async () => this.#showFile(await scriptOfOutput(file)))
  }

  /** @param {File} file */
  showFile(file) {
    return this.#try(file.name, async () => (/\.py$/i.test(file.name) ? this.showScratch(await file.text()) : this.#showFile(await scriptOfFile(file))))
  }

  /** @param {FileScript} file */
  #showFile(file) {
    const { state, complain } = this.#options
    const compare = () => this.compare(file, { name: t('diff.graph'), text: state.base.script })
    this.#switch('file', 'outputs', makePlace => openFileView(makePlace, file, { compare, complain }))
  }

  #openOutputs() {
    const outputs = new Outputs({
      open: file => void this.showOutput(file),
      compare: (left, right) => void this.#try(t('diff'), async () => {
        const [one, other] = await Promise.all([left, right].map(scriptOfOutput))
        this.compare(one, other)
      }),
    })
    outputs.pinned = this.#outputs?.pinned
    this.#outputs = outputs
    this.#options.elements.outputs.replaceChildren(h('p', { class: 'cs-hint' }, t('outputs.hint')), outputs.element)
    void outputs.load()
    return { close: () => outputs.destroy() }
  }

  /** @param {string} what @param {() => Promise<void>} act */
  async #try(what, act) {
    try {
      await act()
    } catch (error) {
      this.#options.complain(what, error)
    }
  }

  /** @param {import('./state.mjs').View} view @param {Tab} tab the tab that it belongs to, where Back leads @param {(makePlace: MakePlace) => OpenView} [open] */
  #switch(view, tab, open) {
    const { state, elements, onShow } = this.#options
    this.close()
    state.view = view
    elements.script.hidden = view !== 'script'
    elements.outputs.hidden = view !== 'outputs'
    elements.other.hidden = view === 'script' || view === 'outputs'
    for (const [name, element] of Object.entries(elements.tabs)) {
      element.setAttribute('aria-selected', String(name === tab))
      element.tabIndex = name === tab ? 0 : -1
    }
    this.#open = open?.((title, actions, kind = 'cs-editor') => this.#makePlace(tab, title, actions, kind))
    onShow()
  }

  /** @param {Tab} back @param {string} title @param {HTMLElement[]} actions @param {string} kind */
  #makePlace(back, title, actions, kind) {
    const place = h('div', { class: kind })
    this.#options.elements.other.replaceChildren(
      h('div', { class: 'cs-head' },
        iconButton('arrow-left', t('back'), () => this.show(back)),
        h('h2', { class: 'cs-title', title }, title)),
      ...(actions.length ? [h('div', { class: 'cs-actions' }, ...actions)] : []),
      place)
    return place
  }

  close() {
    this.#open?.close()
    this.#open = undefined
  }
}
