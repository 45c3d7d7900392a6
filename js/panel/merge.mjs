// Brings together what was typed and what the graph has become meanwhile, word by word.
import { diff } from '../vendor/codemirror.mjs'

/** @typedef {{ from: number, to: number, theirs: string }} Conflict Where both changed the same: the text has mine there. */
/** @typedef {{ fromA: number, toA: number, fromB: number, toB: number }} Hunk Numbers of tokens. */
/** @typedef {{ text: string, conflicts: Conflict[], literal: boolean }} Merged `literal`: of theirs, only values went in. */

const TOKEN = /[rbfuRBFU]{0,2}(?:'''[^]*?'''|"""[^]*?"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|#[^\n]*|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|[\p{L}\p{N}_]+|\n[ \t]*|[ \t]+|[^]/gu
const LITERAL = /^(?:[rbfuRBFU]{0,2}['"]|\d|True$|False$|None$|-$)/
/** Where more of the old text than this is gone, the new one was written anew: there is nothing to follow. */
const MOST_REPLACED = 0.6

/** @param {string} base @param {string} mine @param {string} theirs @returns {Merged | undefined} nothing where the texts have too little in common */
export function merge(base, mine, theirs) {
  const [a, b, c] = [base, mine, theirs].map(text => text.match(TOKEN) ?? [])
  const codes = encode([a, b, c])
  if (!codes) return undefined
  const [ours, others] = [codes[1], codes[2]].map(code => /** @type {Hunk[]} */ ([...diff(codes[0], code, { scanLimit: 2000, timeout: 300 })]))
  const gone = others.reduce((sum, hunk) => sum + hunk.toA - hunk.fromA, 0)
  if (a.length > 40 && gone > a.length * MOST_REPLACED) return undefined
  /** @type {Conflict[]} */
  const conflicts = []
  let text = ''
  let at = 0
  for (const { from, to, own, other } of groups(ours, others)) {
    text += a.slice(at, from).join('')
    at = to
    const [was, mineNow, theirsNow] = [a.slice(from, to), side(b, own, from, to), side(c, other, from, to)].map(tokens => tokens?.join(''))
    const chosen = choose(was ?? '', mineNow, theirsNow)
    if (chosen === undefined) conflicts.push({ from: text.length, to: text.length + (mineNow ?? '').length, theirs: theirsNow ?? '' })
    text += chosen ?? mineNow
  }
  return { text: text + a.slice(at).join(''), conflicts, literal: others.every(hunk => isValue(a, c, hunk)) }
}

/** Each token as one letter, the same one everywhere. @param {string[][]} texts @returns {string[] | undefined} */
function encode(texts) {
  /** @type {Map<string, number>} */
  const known = new Map()
  const codes = texts.map(tokens => tokens.map(token => {
    if (!known.has(token)) known.set(token, known.size)
    const code = /** @type {number} */ (known.get(token)) + 1
    // Halves of letters are no letters.
    return String.fromCharCode(code < 0xd800 ? code : code + 0x800)
  }).join(''))
  return known.size < 0xf000 ? codes : undefined
}

/** Changes that touch the same words, together. @param {Hunk[]} ours @param {Hunk[]} others @returns {Generator<{ from: number, to: number, own: Hunk[], other: Hunk[] }>} */
function* groups(ours, others) {
  const all = [...ours.map(hunk => ({ hunk, mine: true })), ...others.map(hunk => ({ hunk, mine: false }))]
    .sort((x, y) => x.hunk.fromA - y.hunk.fromA || x.hunk.toA - y.hunk.toA)
  for (let index = 0; index < all.length;) {
    const from = all[index].hunk.fromA
    let to = from
    /** @type {Hunk[]} */
    const own = []
    /** @type {Hunk[]} */
    const other = []
    do {
      const { hunk, mine } = all[index++]
      ;(mine ? own : other).push(hunk)
      to = Math.max(to, hunk.toA)
    } while (index < all.length && touches(all[index].hunk, from, to))
    yield { from, to, own, other }
  }
}

/** Whether a change begins within a stretch; two that insert at the same place do. @param {Hunk} hunk @param {number} from @param {number} to */
const touches = ({ fromA, toA }, from, to) => fromA < to || (fromA === to && (from === to || fromA === toA))

/** What one side has for a stretch of the base. @param {string[]} tokens @param {Hunk[]} hunks @param {number} from @param {number} to */
function side(tokens, hunks, from, to) {
  if (!hunks.length) return undefined
  const [first, last] = [hunks[0], hunks[hunks.length - 1]]
  return tokens.slice(first.fromB - (first.fromA - from), last.toB + (to - last.toA))
}

/** @param {string} was @param {string} [mine] @param {string} [theirs] @returns {string | undefined} nothing where that is for a person to say */
function choose(was, mine, theirs) {
  if (mine === undefined || theirs === undefined) return mine ?? theirs
  if (mine === theirs) return mine
  const same = (/** @type {string} */ one) => one.replace(/\s+/g, '') === was.replace(/\s+/g, '')
  if (same(mine)) return theirs
  return same(theirs) ? mine : undefined
}

/** @param {string[]} a @param {string[]} b @param {Hunk} hunk */
function isValue(a, b, { fromA, toA, fromB, toB }) {
  return [...a.slice(fromA, toA), ...b.slice(fromB, toB)].every(token => LITERAL.test(token) || !token.trim())
}
