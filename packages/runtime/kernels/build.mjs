// Compiles the kernels: kernels/<name>/*.ts -> src/kernels/<name>.generated.ts, which holds the WebAssembly in hexadecimal: servers
// compress that by a third better than base64, as bytes stay together.
// What did not change is not compiled again.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const target = join(here, '../src/kernels')

/** Modules whose inner loops are multiply-adds are built a second time for engines with relaxed SIMD. */
const RELAXED = new Set(['dense', 'depthwise', 'sequence', 'winograd'])
const FLAGS = ['--runtime', 'stub', '--importMemory', '--noAssert', '-O3', '--converge', '--enable', 'simd']

mkdirSync(target, { recursive: true })
for (const { name } of readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory() && existsSync(join(here, entry.name, 'index.ts')))) {
  const builds = RELAXED.has(name) ? [[name, []], [`${name}-relaxed`, ['--enable', 'relaxed-simd']]] : [[name, []]]
  for (const [output, flags] of builds) await compile(name, output, [...FLAGS, ...flags])
}

async function compile(name, output, flags) {
  const folder = join(here, name)
  const hash = createHash('sha256').update(JSON.stringify([flags, readFileSync(import.meta.filename, 'utf8'), compilerVersion()]))
  for (const file of sourcesOf(join(folder, 'index.ts'))) hash.update(`${file.slice(here.length)}\0${readFileSync(file, 'utf8')}`)
  const stamp = `// ${hash.digest('hex')}`
  const file = join(target, `${output}.generated.ts`)
  if (existsSync(file) && readFileSync(file, 'utf8').startsWith(stamp)) return

  const { main } = await import('assemblyscript/asc')
  let wasm
  const { error, stderr } = await main([`${name}/index.ts`, '--outFile', 'out.wasm', '--baseDir', here, ...flags], {
    writeFile: (path, content) => { if (path === 'out.wasm') wasm = content },
  })
  if (error || !wasm) throw new Error(`${name}: ${stderr.toString()}`)
  const module = await WebAssembly.compile(wasm).catch(() => undefined)
  if (module) checkImports(output, module)
  writeFileSync(file, `${stamp}\nexport const WASM: string =\n  '${Buffer.from(wasm).toString('hex')}'\n`)
  console.log(`kernels: ${output}, ${wasm.length} bytes`)
}

/** A file and all that it imports. */
function sourcesOf(file, known = new Set()) {
  if (known.has(file)) return known
  known.add(file)
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/ from '(\..+)'/g)) sourcesOf(join(dirname(file), `${path}.ts`), known)
  return known
}

/** All modules share the model's memory, so that none may have data of its own or need anything but the memory. */
function checkImports(name, module) {
  const others = WebAssembly.Module.imports(module).filter(({ kind }) => kind !== 'memory')
  if (others.length > 0) throw new Error(`${name} imports ${others.map((each) => each.name).join(', ')}`)
}

function compilerVersion() {
  return JSON.parse(readFileSync(join(here, '../node_modules/assemblyscript/package.json'), 'utf8')).version
}
