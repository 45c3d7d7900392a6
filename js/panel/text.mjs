// The panel's words, from locales/*/main.json in ComfyUI's language.
import { api, setting } from './comfy.mjs'

/** @type {Record<string, string>} */
let words = {}
let language = ''

/** Fetches the words, where ComfyUI's language is another than before; English fills what a language lacks. */
export async function loadWords() {
  if (setting('Comfy.Locale', 'en') === language) return
  const all = await api.fetchApi('/i18n').then(/** @param {Response} response */ response => response.json()).catch(() => ({}))
  const locale = setting('Comfy.Locale', 'en')
  language = locale
  words = { ...all.en?.comfyscript, ...all[locale.split('-')[0]]?.comfyscript, ...all[locale]?.comfyscript }
}

/** Where `count` is 1, `key.one` is taken if there is one. @param {string} key @param {Record<string, string | number>} [values] */
export const t = (key, values = {}) => ((values.count === 1 ? words[`${key}.one`] : undefined) ?? words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''))

/** @param {import('./server.mjs').ScriptErrorJson} error */
export const errorText = error => t('error.line', { line: error.line, message: error.message })
