// The mutated file of a number: the same for the same seed, corpus and number, step by step.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesMutations } from './mutate-bytes.mjs'
import { codeMutations } from './mutate-code.mjs'
import { pickleMutations } from './mutate-pickle.mjs'
import { recordMutations } from './mutate-records.mjs'
import { tensorMutations } from './mutate-tensors.mjs'
import { zipMutations } from './mutate-zip.mjs'
import { Random } from './random.mjs'
import { readArchive, writeArchive } from './zip.mjs'

/** Kinds of mutation and how often each is taken. */
const FAMILIES = {
  code: { mutations: codeMutations, weight: 34 },
  pickle: { mutations: pickleMutations, weight: 24 },
  tensors: { mutations: tensorMutations, weight: 14 },
  zip: { mutations: zipMutations, weight: 14 },
  records: { mutations: recordMutations, weight: 9 },
  bytes: { mutations: bytesMutations, weight: 5 },
}

export const FAMILY_NAMES = Object.keys(FAMILIES)

/** Most files get one or two steps: what is broken in many places is refused for the first. */
const STEPS = [1, 1, 1, 2, 2, 3, 5]

/** Compiled files are few beside archives of models, and taken more often. */
const OFTEN = 6

/** The valid files of these folders whose paths, from the folder above, contain `part`. */
export function readCorpus(fixtures, folders, part = '') {
  const paths = folders.flatMap((folder) => readdirSync(join(fixtures, folder), { recursive: true }).map((name) => join(folder, name)))
  return paths.filter((path) => /\.ptl?$/.test(path) && path.includes(part)).toSorted().flatMap((path) => {
    const bytes = readFileSync(join(fixtures, path))
    const file = bytes.toString('latin1', 0, 4) === 'PK\x03\x04' ? { path, ...readArchive(bytes) } : { path, bytes }
    return path.endsWith('.ptl') ? Array.from({ length: OFTEN }, () => file) : [file]
  })
}

/**
 * File number `index` of a seed: {path of what it was made of, bytes, steps: what was done}. `only` names a family; `keep`, numbers of
 * steps, leaves out the others, for finding those that matter.
 */
export function generate(corpus, seed, index, { only, keep } = {}) {
  const random = new Random(seed, index)
  const base = random.pick(corpus)
  const count = random.pick(STEPS)
  const file = { ...base, records: base.records?.map((record) => ({ ...record })), faults: {}, corpus }
  const steps = []
  for (let step = 0; step < count; step++) {
    const stepRandom = new Random(seed, index, step + 1)
    if (keep && !keep.includes(step)) continue
    const families = file.records === undefined ? ['bytes'] : only === undefined ? weighted(stepRandom) : [only]
    for (const family of families) {
      const [name, mutate] = stepRandom.pick(Object.entries(FAMILIES[family].mutations))
      const what = mutate(file, stepRandom)
      if (what === undefined) continue
      steps.push({ step, what: `${family}/${name}: ${what}` })
      break
    }
  }
  let bytes = file.bytes ?? writeArchive(file)
  for (const change of file.after ?? []) bytes = change(bytes)
  return { path: base.path, bytes, steps, count }
}

/** A family by its weight, and after it others for files that have nothing for the first to change. */
function weighted(random) {
  const total = Object.values(FAMILIES).reduce((sum, { weight }) => sum + weight, 0)
  let at = random.below(total)
  const first = FAMILY_NAMES.find((name) => (at -= FAMILIES[name].weight) < 0)
  return [first, 'code', 'pickle', 'zip']
}
