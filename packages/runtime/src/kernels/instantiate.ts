import { RuntimeError } from '../errors.ts'
import type { Kernels, Machine } from '../machine.ts'
import type { KernelSource } from '../operator.ts'

/** A function that adds vectors, and one that multiplies and adds them in a relaxed way: what the engine must know for each build. */
const SIMD = '0061736d010000000105016000017b030201000a0f010d004100fd0f4100fd0ffde4010b'
const RELAXED_SIMD = '0061736d010000000105016000017b030201000a130111004100fd0f4100fd0f4100fd0ffd85020b'

const modules = new Map<string, Promise<WebAssembly.Module>>()
let relaxed: boolean | undefined

/** True where the engine has relaxed SIMD, whose multiply-add is one instruction. */
export function hasRelaxedSimd(): boolean {
  return relaxed ??= WebAssembly.validate(decode(RELAXED_SIMD))
}

/** Compiles kernels, once in a page; `exact` leaves relaxed SIMD alone. Throws a RuntimeError where there is no SIMD. */
export async function compiled({ name, load }: KernelSource, exact = false): Promise<WebAssembly.Module> {
  const isRelaxed = !exact && hasRelaxedSimd()
  const key = `${name} ${isRelaxed}`
  const module = modules.get(key) ?? load(isRelaxed).then(compile)
  modules.set(key, module)
  // What failed may be there the next time: its chunk is downloaded.
  return await module.catch((error: unknown) => {
    modules.delete(key)
    throw error
  })
}

/** An instance of kernels that works on `memory`. */
export async function instantiate(source: KernelSource, memory: WebAssembly.Memory, exact = false): Promise<Kernels> {
  return (await WebAssembly.instantiate(await compiled(source, exact), { env: { memory } })).exports as Kernels
}

/** Gives a machine instances of kernels, each under the name of its space. */
export async function equip({ kernels, memory }: Pick<Machine, 'kernels' | 'memory'>, sources: Iterable<KernelSource>, exact = false): Promise<void> {
  await Promise.all(Array.from(sources, async (source) => {
    const made = await instantiate(source, memory.wasm, exact)
    const space = source.space ?? source.name
    kernels[space] = { ...kernels[space], ...made }
  }))
}

/** Throws NO_SIMD in an engine that can run no kernel. */
export function requireSimd(): void {
  if (globalThis.WebAssembly && WebAssembly.validate(decode(SIMD))) return
  const message = 'This engine has no WebAssembly SIMD, which Petal needs. Browsers have it since Chrome 91, Firefox 89 and Safari 16.4: update the browser or the web view.'
  throw new RuntimeError('NO_SIMD', message)
}

async function compile(digits: string): Promise<WebAssembly.Module> {
  requireSimd()
  return await WebAssembly.compile(decode(digits))
}

function decode(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(digits.match(/../g)!, (byte) => Number.parseInt(byte, 16))
}
