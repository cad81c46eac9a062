// What an app downloads to run a model: real builds with Vite, of a page whose runtime has the operators of some model and no others.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))

/** Operators and packed weights of networks for pictures, as they are when they were compiled: MobileNet v2 and ResNet. */
export const CNN = [
  'aten::_add_relu_.Tensor', 'aten::adaptive_avg_pool2d', 'aten::add.Tensor', 'aten::flatten.using_ints', 'aten::max_pool2d',
  'prepacked::conv2d_clamp_run', 'prepacked::linear_clamp_run',
  '__torch__.torch.classes.xnnpack.Conv2dOpContext', '__torch__.torch.classes.xnnpack.LinearOpContext',
]

/** Operators and packed weights of torchvision's models and of PyTorch's layers, traced and scripted, with and without optimization. */
export const ZOO = JSON.parse(readFileSync(new URL('zoo-operators.json', import.meta.url), 'utf8'))

/**
 * Bytes of the scripts that `load()` and a run with typed arrays fetch, each compressed by itself, by what is in them; `names` are operators and
 * classes of packed weights. Of kernels that are built with and without relaxed SIMD, the larger one counts.
 * `without` names kernels that are loaded only for weights that the model has not.
 */
export async function sizeOf(names, { without = [] } = {}) {
  const { coverage, exportName } = await import(new URL('../dist/build.js', import.meta.url).href)
  const families = grouped(names, (name) => family(coverage, name))
  const lines = []
  const parts = { operators: [], kernels: [], prepare: [] }
  for (const [family, own] of families) {
    const imports = [...new Set([...own.map(exportName), 'kernels'])].map((name) => ({ name, local: `${name}_${lines.length}` }))
    lines.push(`import { ${imports.map(({ name, local }) => `${name} as ${local}`).join(', ')} } from ${JSON.stringify(`${dist}ops/${family}.js`)}`)
    for (const { name, local } of imports) parts[name === 'kernels' ? 'kernels' : /^[A-Z]/.test(name) ? 'prepare' : 'operators'].push(`...${local}`)
  }
  lines.push(`export { load } from ${JSON.stringify(`${dist}load.js`)}`)
  const { operators, kernels, prepare } = parts
  lines.push(`export const families = [{ name: 'used', operators: { ${operators} }, kernels: [${kernels}], prepare: { ${prepare} } }]`)
  return await measure(lines.join('\n'), without)
}

function family({ operators, classes }, name) {
  const found = operators[name] ?? classes[name]
  if (found === undefined) throw new Error(`the runtime has no ${name}`)
  return found
}

function grouped(items, keyOf) {
  const groups = new Map()
  for (const item of items) groups.set(keyOf(item), [...groups.get(keyOf(item)) ?? [], item])
  return groups
}

/** Builds a page that imports a module when it is asked to, and counts what comes with it. */
async function measure(code, without) {
  const root = await mkdtemp(join(tmpdir(), 'petal-size-'))
  try {
    await writeFile(join(root, 'main.js'), `globalThis.load = () => import('./runtime.js')`)
    await writeFile(join(root, 'runtime.js'), code)
    const { output } = await build({
      configFile: false, root, logLevel: 'error',
      build: { write: false, modulePreload: false, rollupOptions: { input: join(root, 'main.js') } },
    })
    const chunks = new Map(output.filter(({ type }) => type === 'chunk').map((chunk) => [chunk.fileName, chunk]))
    const entry = output.find(({ name, isDynamicEntry }) => isDynamicEntry && name === 'runtime')
    const loaded = new Set()
    const follow = (name) => {
      if (loaded.has(name)) return
      loaded.add(name)
      for (const next of chunks.get(name).imports) follow(next)
    }
    follow(entry.fileName)
    const main = output.find(({ isEntry }) => isEntry).fileName
    loaded.delete(main)
    const sizes = { script: 0 }
    for (const name of loaded) sizes.script += gzipped(chunks.get(name).code)
    for (const [name, { code: text }] of chunks) {
      const kernel = /^([a-z]+)(?:-relaxed)?\.generated/.exec(basename(name))?.[1]
      if (kernel && !without.includes(kernel)) sizes[`kernels: ${kernel}`] = Math.max(sizes[`kernels: ${kernel}`] ?? 0, gzipped(text))
    }
    const later = [...chunks.keys()].filter((name) => name !== main && !loaded.has(name) && !name.includes('.generated'))
    return {
      sizes, total: Object.values(sizes).reduce((sum, size) => sum + size), code: Array.from(loaded, (name) => chunks.get(name).code).join('\n'),
      later: Object.fromEntries(later.map((name) => [basename(name).replace(/-.*/, ''), gzipped(chunks.get(name).code)])),
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const gzipped = (text) => gzipSync(text, { level: 9 }).length
