// Ratios of petal against PyTorch for Python sources, in one run: cold builds against a script per model, and warm builds against cold ones.
//
//     npm run bench:convert -- [rounds]
//
// Whole processes, wall clock, in turn, medians. The alternative, convert.py, is what the recipe says: trace, optimize_for_mobile, save;
// it checks nothing, so a build without the check of the trace is measured too.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must, root, work } from '../scripts/lib/run.mjs'
import { setUpTorch, setUpWorkspace } from '../scripts/lib/tools.mjs'

const MODELS = [
  'mobilenet_v2', 'resnet18', 'squeezenet1_1', 'shufflenet_v2_x1_0', 'mnasnet1_0',
  'efficientnet_b0', 'mobilenet_v3_small', 'mobilenet_v3_large', 'regnet_y_400mf', 'densenet121',
]
const folder = join(work, 'bench', 'python')
const store = join(folder, 'store')
const sourceOf = (name) => join(folder, `${name}.py`)

/** The child: one build of some sources, all asked for at once as a bundler does. */
async function buildAll(python, check, names) {
  const { build, createPyTorch, createStore, defaultRequest } = await import('../packages/core/dist/index.js')
  const options = { store: createStore({ dir: store }), engine: createPyTorch({ root: folder, python, memo: store }), root: folder }
  try {
    await Promise.all(names.map((name) => build({ ...defaultRequest, file: sourceOf(name), convert: 'trace', check }, options)))
  } finally {
    await options.engine.close()
  }
}

async function seconds(command, args) {
  const start = performance.now()
  await must(command, args)
  return (performance.now() - start) / 1000
}

async function compare(rounds) {
  await setUpWorkspace()
  const torch = await setUpTorch()
  if (!torch) throw new Error('this benchmark compares with PyTorch: install it, or set PETAL_PYTHON')
  mkdirSync(folder, { recursive: true })
  for (const name of MODELS) {
    writeFileSync(sourceOf(name), `import torch, torchvision\n\nmodel = torchvision.models.${name}(weights=None)\nexample_inputs = (torch.rand(1, 3, 224, 224),)\n`)
  }
  const petal = (names, check = 'auto') => seconds('node', [fileURLToPath(import.meta.url), '--build', torch.python, check, ...names])
  const cold = (names, check) => {
    rmSync(store, { recursive: true, force: true })
    return petal(names, check)
  }
  const scripts = async (names) => {
    let sum = 0
    for (const name of names) sum += await seconds(torch.python, ['-W', 'ignore', join(root, 'bench/convert.py'), sourceOf(name), join(folder, 'out.ptl')])
    return sum
  }
  const one = MODELS.slice(0, 1)
  const measured = { cold: [], warm: [], unchecked: [], scripts: [], coldOne: [], warmOne: [], uncheckedOne: [], script: [] }
  for (let i = 0; i < rounds; i++) {
    measured.cold.push(await cold(MODELS))
    measured.warm.push(await petal(MODELS))
    measured.unchecked.push(await cold(MODELS, 'none'))
    measured.scripts.push(await scripts(MODELS))
    measured.coldOne.push(await cold(one))
    measured.warmOne.push(await petal(one))
    measured.uncheckedOne.push(await cold(one, 'none'))
    measured.script.push(await scripts(one))
  }
  const of = Object.fromEntries(Object.entries(measured).map(([name, values]) => [name, values.toSorted((a, b) => a - b)[values.length >> 1]]))
  console.log(`${cpus().length} cores, torch ${torch.version}, medians of ${rounds} rounds in turn, seconds`)
  table(['', 'petal', 'against', 's', 'ratio'], [
    ['ten sources, cold', of.cold, 'ten scripts', of.scripts],
    ['ten, cold, check=none', of.unchecked, 'ten scripts', of.scripts],
    ['ten, warm', of.warm, 'ten, cold', of.cold],
    ['one source, cold', of.coldOne, 'one script', of.script],
    ['one, cold, check=none', of.uncheckedOne, 'one script', of.script],
    ['one, warm', of.warmOne, 'one, cold', of.coldOne],
  ].map(([name, ours, other, theirs]) => [name, ours.toFixed(2), other, theirs.toFixed(2), (ours / theirs).toFixed(2)]))
}

function table(...[head, rows]) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)))
  for (const row of [head, ...rows]) console.log(row.map((cell, i) => i % 2 === 0 && i < 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  '))
}

const [mode, python, check, ...names] = process.argv.slice(2)
await (mode === '--build' ? buildAll(python, check, names) : compare(Number(mode ?? 3)))
