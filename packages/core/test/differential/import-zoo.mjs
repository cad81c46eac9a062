// Builds one Python source for each line of its input, {file, convert, block, store}, as bundlers do: through build(), with one engine for all.
// Takes the module of a built core and a Python; answers in lines of JSON.
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [module, python] = process.argv.slice(2)
const { build, createPyTorch, createStore, defaultRequest } = await import(pathToFileURL(module))
// The largest models take minutes on a slow machine.
const engine = createPyTorch({ root: process.cwd(), python, timeLimit: 900 })
console.log(JSON.stringify(await engine.identify() ?? {}))

for await (const line of createInterface({ input: process.stdin })) {
  const { file, convert, block, store } = JSON.parse(line)
  let answer
  try {
    const request = { ...defaultRequest, file, convert, block }
    const { file: compiled, conversion, facts, warnings, bytes } = await build(request, { store: createStore({ dir: store }), engine, root: dirname(file) })
    answer = { file: compiled, conversion, operators: facts.operators, bytes, warnings }
  } catch (error) {
    answer = { code: error.code ?? 'INTERNAL', message: error.code ? error.message : error.stack, what: error.what }
  }
  console.log(JSON.stringify(answer))
}
await engine.close()
