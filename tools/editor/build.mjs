// Builds codemirror.mjs from the versions in package-lock.json: `npm ci && npm run build`. The same lock gives the same bytes.
import { build } from 'esbuild'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const out = join(here, '..', '..', 'js', 'vendor') // not here: ComfyUI makes the browser load every .js under js/
const result = await build({
  absWorkingDir: here,
  entryPoints: ['entry.mjs'],
  outfile: join(out, 'codemirror.mjs'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  charset: 'ascii',
  legalComments: 'none',
  metafile: true,
  write: false,
})

/** @param {string} input */
const packageOf = input => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]
const packages = [...new Set(Object.keys(result.metafile.inputs).map(packageOf).filter(name => name !== undefined))].sort()

const lock = JSON.parse(await readFile(join(here, 'package-lock.json'), 'utf8'))
const licences = await Promise.all(packages.map(async name => {
  const folder = join(here, 'node_modules', name)
  const text = await readFile(join(folder, 'LICENSE'), 'utf8').catch(() => readFile(join(folder, 'LICENSE.md'), 'utf8'))
  return `${name} ${lock.packages[`node_modules/${name}`].version}\n\n${text.trim()}\n`
}))
const rule = '\n' + '-'.repeat(80) + '\n\n'
await writeFile(join(out, 'LICENSES.txt'), `codemirror.mjs holds these packages, minified and otherwise unmodified:${rule}${licences.join(rule)}`)

const banner = '/* CodeMirror 6 and its parts, MIT: see LICENSES.txt. Built by build.mjs. */\n'
await writeFile(join(out, 'codemirror.mjs'), banner + result.outputFiles[0].text)
console.log(`codemirror.mjs: ${packages.length} packages, ${Math.round((banner.length + result.outputFiles[0].text.length) / 1024)} KiB`)
