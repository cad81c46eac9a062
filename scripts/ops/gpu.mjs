// Writes packages/core/src/compiler/backends/{vulkan,metal}-operators.generated.ts: what PyTorch's GPU runtimes register.
//
//     node scripts/ops/gpu.mjs path/to/pytorch-1.13.1        the source tree, e.g. of `apt-get source pytorch`
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [source] = process.argv.slice(2)
if (!source) throw new Error('usage: node scripts/ops/gpu.mjs <source tree of PyTorch>')
const version = readFileSync(join(source, 'version.txt'), 'utf8').trim()
const native = join(source, 'aten/src/ATen/native')

/** Qualified names that these folders register kernels for: on the GPU's key, or on the CPU for what packs weights. */
function registered(folder, key, namespaces) {
  const names = new Set()
  for (const file of readdirSync(join(native, folder), { recursive: true }).filter((name) => /\.(cpp|mm)$/.test(name))) {
    const text = readFileSync(join(native, folder, file), 'utf8').replace(/\/\/.*|\/\*[^]*?\*\//g, '')
    for (const [, namespace, dispatch, body] of text.matchAll(/TORCH_LIBRARY_IMPL\((\w+), (\w+), m\) \{([^]*?)\n\}/g)) {
      if (!namespaces.includes(namespace) || (dispatch !== key && dispatch !== 'CPU')) continue
      for (const [, name] of body.matchAll(/m\.impl\(\s*(?:TORCH_SELECTIVE_NAME\(\s*)?"([^"]+)"/g)) names.add(name.includes('::') ? name : `${namespace}::${name}`)
    }
  }
  return [...names].toSorted((a, b) => (a < b ? -1 : 1))
}

function write(backend, key, namespaces, what) {
  const constant = `${backend.toUpperCase()}_OPERATORS`
  const names = registered(backend, key, namespaces)
  if (names.length < 20) throw new Error(`only ${names.length} operators found for ${backend}: has the layout of the sources changed?`)
  writeFileSync(new URL(`../../packages/core/src/compiler/backends/${backend}-operators.generated.ts`, import.meta.url), `\
// Written by scripts/ops/gpu.mjs from the sources of PyTorch ${version}. Do not edit.

/**
 * Operators, with overloads, that PyTorch's ${key} runtime registers kernels for (aten/src/ATen/native/${backend}), and those that pack weights.
 * An operator that PyTorch itself writes in terms of others (\`aten::flatten.using_ints\`, \`aten::conv2d\`) ${what}
 */
export const ${constant}: readonly string[] = [
${names.map((name) => `  '${name}',`).join('\n')}
]
`)
  console.log(`${constant}: ${names.length}`)
}

write('vulkan', 'Vulkan', ['aten', 'vulkan_prepack'], 'runs as well when those are here.')
write('metal', 'Metal', ['aten', 'metal', 'metal_prepack'], 'runs as well when those are here.')
