// Compiles one file for each line of its input, {source, target, block, format, backend}, with the compiler module it is given; answers in lines of JSON,
// {warnings, lints} or {code, message}.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const { bytesSource, compile } = await import(pathToFileURL(process.argv[2]))

for await (const line of createInterface({ input: process.stdin })) {
  const { source, target, block, format = 'ptl', backend = 'cpu' } = JSON.parse(line)
  let answer = {}
  try {
    await rm(target, { force: true })
    const artifact = await compile(bytesSource(await readFile(source)), { backend, format, block })
    const pieces = []
    for await (const piece of artifact.stream()) pieces.push(piece.slice())
    await writeFile(target, Buffer.concat(pieces))
    answer = { warnings: artifact.warnings, lints: artifact.facts.lints }
  } catch (error) {
    answer = { code: error.code ?? 'INTERNAL', message: error.code ? error.message : error.stack }
  }
  console.log(JSON.stringify(answer))
}
