// Examines files of a seed by their numbers, one after the other, as run.mjs asks on standard input; answers in lines of JSON.
import { writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { generate, readCorpus } from './generate.mjs'

const [subject, fixtures, folders, part, out] = process.argv.slice(2)
const { examine } = await import(pathToFileURL(subject))
const corpus = readCorpus(fixtures, folders.split(','), part)
// A pipe is written to at once, so that what was begun is known even if it never ends.
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`)

for await (const line of createInterface({ input: process.stdin })) {
  const { seed, from, to, ...options } = JSON.parse(line)
  for (let index = from; index < to; index++) {
    say({ begin: index })
    const { path, bytes, steps, count } = generate(corpus, seed, index, options)
    const before = process.resourceUsage()
    const { artifact, ...outcome } = await examine(new Uint8Array(bytes))
    const after = process.resourceUsage()
    const cpu = (after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime) / 1e6
    if (artifact && out) {
      writeFileSync(join(out, `${index}.pt`), bytes)
      writeFileSync(join(out, `${index}.ptl`), artifact)
    }
    say({ end: index, path, steps, count, bytes: bytes.length, ...outcome, cpu, grown: after.maxRSS - before.maxRSS })
  }
  say({ done: from })
}
