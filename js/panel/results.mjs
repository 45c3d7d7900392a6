// What a line's node has made in the last run, at the line's end: pictures, how long it took, what it printed.
import { WidgetType } from '../vendor/codemirror.mjs'
import { h, icon } from './dom.mjs'
import { viewUrl } from './server.mjs'

/** @typedef {import('./server.mjs').FileRef} FileRef */
/** @typedef {{ files: FileRef[], seconds?: number, printed?: string }} Result */

/** Shorter times say nothing. */
const LEAST_SECONDS = 0.1
const IMAGE = /\.(png|jpe?g|webp|gif|avif|bmp)$/i
const MOST_FILES = 4
const LONGEST = 120

/** @param {any} output of an `executed` message @returns {FileRef[]} */
export const filesOf = output => Object.values(output ?? {}).flatMap(value => (Array.isArray(value) ? value.filter(one => typeof one?.filename === 'string') : []))

/** @param {Map<number, Result>} results @param {Record<string, string>} printed by line, when the script was read */
export function withPrinted(results, printed) {
  for (const [line, text] of Object.entries(printed)) results.set(Number(line), { files: [], ...results.get(Number(line)), printed: text })
  return results
}

/** Whether there is anything to see: an empty end of a line can still take a row. @param {Result} result */
export const isSeen = ({ files, printed, seconds = 0 }) => Boolean(files.length || printed || seconds >= LEAST_SECONDS)

export class ResultWidget extends WidgetType {
  /** @param {Result} result */
  constructor(result) {
    super()
    this.result = result
    this.key = JSON.stringify(result)
  }

  /** @override @param {any} other */
  eq(other) {
    return other.key === this.key
  }

  /** @override */
  toDOM() {
    const { files, seconds, printed } = this.result
    return h('span', { class: 'cs-result', contenteditable: 'false' },
      ...files.slice(0, MOST_FILES).map(file => h('a', { href: viewUrl(file), target: '_blank', title: file.filename, 'aria-label': file.filename, tabindex: '-1' },
        IMAGE.test(file.filename) ? h('img', { src: viewUrl(file, 'webp;60'), alt: '', loading: 'lazy' }) : icon('file'))),
      files.length > MOST_FILES ? h('span', {}, `+${files.length - MOST_FILES}`) : false,
      printed ? h('span', { class: 'cs-result-printed', title: printed.slice(0, 2000) }, printed.trim().slice(0, LONGEST)) : false,
      seconds !== undefined && seconds >= LEAST_SECONDS ? h('span', {}, `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`) : false)
  }

  /** @override */
  ignoreEvent() {
    return true
  }
}

/** How far a line has come, while it runs. */
export class FarWidget extends WidgetType {
  /** @param {string} text */
  constructor(text) {
    super()
    this.text = text
  }

  /** @override @param {any} other */
  eq(other) {
    return other.text === this.text
  }

  /** @override @param {HTMLElement} element */
  updateDOM(element) {
    element.textContent = this.text
    return true
  }

  /** @override */
  toDOM() {
    return h('span', { class: 'cs-result cs-result-far' }, this.text)
  }
}
