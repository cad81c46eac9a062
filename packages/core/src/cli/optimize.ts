import { basename, extname, join, dirname } from 'node:path'
import colors from 'picocolors'
import type { Artifact } from '../compiler/artifact.ts'
import { type Model, makeArtifact, openModel } from '../model.ts'
import { type ModelRequest, parseDirectives, type WrittenDirective } from '../request/index.ts'
import { type Arguments, onlyValue } from './arguments.ts'
import { operatorLine, optimizationLines, portLines } from './facts-text.ts'
import { checkOutput, writeOutput } from './output.ts'
import { createProgress, type Progress } from './progress.ts'
import { plain, print, printJson, size, warn } from './terminal.ts'

/** Share of the progress that compiling is; the rest is writing. */
const COMPILING = 0.5

/** `petal optimize`: compiles one model to one file. The store is not asked: reading and writing the file is all there is to do. */
export async function optimize(args: Arguments): Promise<void> {
  const file = args.operand
  const request = requestOf(args)
  const output = onlyValue(args, 'output') ?? join(dirname(file), `${basename(file, extname(file))}.ptl`)
  const progress = createProgress(basename(file))
  const model = await openModel(file)
  try {
    await checkOutput(file, output)
    const artifact = await makeArtifact(model, request, ({ phase, share }) => progress.update(phase, share * COMPILING))
    // Hashing a large model takes as long as all the rest, so only those who are told the digest wait for it.
    const hash = args.switches.has('json') ? (await import('node:crypto')).createHash('sha256') : undefined
    const bytes = await writeOutput(output, withProgress(artifact, progress), hash)
    progress.end()
    const source = { name: model.name, bytes: model.source.size }
    if (hash) printJson({ file: output, bytes, sha256: hash.digest('hex'), source, facts: artifact.facts, warnings: artifact.warnings })
    else printSummary(output, bytes, model, artifact)
  } finally {
    progress.end()
    await model.close()
  }
}

function requestOf(args: Arguments): ModelRequest {
  const written: WrittenDirective[] = []
  const block = args.values.get('block')
  const backend = onlyValue(args, 'backend')
  if (block) written.push(['block', block.join(',')])
  if (backend) written.push(['backend', backend])
  return parseDirectives(written)
}

async function* withProgress(artifact: Artifact, progress: Progress): AsyncIterable<Uint8Array> {
  let written = 0
  for await (const piece of artifact.stream()) {
    yield piece
    written += piece.byteLength
    progress.update('writing', COMPILING + (1 - COMPILING) * written / artifact.size)
  }
}

function printSummary(output: string, bytes: number, model: Model, { facts, warnings }: Artifact): void {
  const before = colors.dim(`from ${plain(model.name)}, ${size(model.source.size)}`)
  print(`${colors.bold(plain(output))}  ${size(bytes)}  ${before}`)
  const lines = model.kind.kind === 'lite'
    ? ['was compiled already; copied as it is']
    : [...optimizationLines(facts), operatorLine(facts), ...portLines(facts)]
  print(...lines.map((line) => `  ${line}`))
  for (const warning of warnings) warn(warning)
}
