// The panel's words, from locales/*/main.json in ComfyUI's language.
import { api, setting } from './comfy.mjs'

/** @type {Record<string, string>} */
let words = {}
/** What the server says in English, in this language: patterns, the first that fits holds. @type {[RegExp, string][]} */
let sayings = []
let language = ''

/** Fetches the words, where ComfyUI's language is another than before; English fills what a language lacks. */
export async function loadWords() {
  if (setting('Comfy.Locale', 'en') === language) return
  const all = await api.fetchApi('/i18n').then(/** @param {Response} response */ response => response.json()).catch(() => ({}))
  const locale = setting('Comfy.Locale', 'en')
  language = locale
  words = { ...all.en?.comfyscript, ...all[locale.split('-')[0]]?.comfyscript, ...all[locale]?.comfyscript }
  sayings = Object.entries(/** @type {Record<string, string>} */ (/** @type {unknown} */ (words.said ?? {}))).map(([english, own]) => [pattern(english), own])
}

/** `{name} is {most} at most` as what it fits. @param {string} english */
const pattern = english => new RegExp(`^${english.replace(/[.*+?^$()[\]\\|]/g, '\\$&').replace(/\{(\w+)\}/g, '(?<$1>[^]+?)')}$`)

/** A message of the server, where there are words for it. @param {string} message @returns {string} */
export function said(message) {
  for (const [english, own] of sayings) {
    const values = english.exec(message)?.groups
    // One message can be part of another.
    if (values || english.test(message)) return own.replace(/\{(\w+)\}/g, (_, name) => (name === 'said' ? said(values?.said ?? '') : values?.[name] ?? ''))
  }
  return message
}

/** Where `count` is 1, `key.one` is taken if there is one. @param {string} key @param {Record<string, string | number>} [values] */
export const t = (key, values = {}) => ((values.count === 1 ? words[`${key}.one`] : undefined) ?? words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''))

/** @param {import('./server.mjs').ScriptErrorJson} error */
export const errorText = error => t('error.line', { line: error.line, message: said(error.message) })
