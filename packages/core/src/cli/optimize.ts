import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import colors from 'picocolors'
import { lintWarnings } from '../compiler/report/lint-policy.ts'
import { type Converted, convertibleKind, type ConvertibleKind, isPythonFile, withConverted } from '../conversion.ts'
import { PetalError } from '../errors.ts'
import type { BuiltArtifact, BuiltFacts } from '../facts.ts'
import { makeArtifact, type Model, openModel, openSource, usableModel } from '../model.ts'
import type { ConversionControl, ConversionFacts, Warning } from '../pytorch/engine.ts'
import { type ModelRequest, parseDirectives, type WrittenDirective } from '../request/index.ts'
import { extensionOf } from '../store/index.ts'
import { type Arguments, onlyValue } from './arguments.ts'
import { checkLine, conversionLines, operatorLine, optimizationLines, phonesLines, portLines, runtimeLine } from './facts-text.ts'
import { checkOutput, SIGNALS, writeOutput } from './output.ts'
import { createProgress, type Progress } from './progress.ts'
import { plain, print, printJson, size, warn } from './terminal.ts'

/** Share of the progress that compiling is; the rest is writing. */
const COMPILING = 0.5

/** `petal optimize`: compiles one model to one file. The store is not asked: reading and writing the file is all there is to do. */
export async function optimize(args: Arguments): Promise<void> {
  const file = args.operand
  refuseImport(file)
  const request = requestOf(args)
  const output = onlyValue(args, 'output') ?? besides(file, extensionOf(request.format))
  const progress = createProgress(basename(file))
  const compileTo = async (model: Model, converted?: Converted): Promise<void> => {
    const artifact = await makeArtifact({ ...model, name: basename(file) }, request, {
      onProgress: ({ phase, share }) => progress.update(phase, share * COMPILING), examples: converted?.facts.inputs,
    })
    // Hashing a large model takes as long as all the rest, so only those who are told the digest wait for it.
    const hash = args.switches.has('json') ? (await import('node:crypto')).createHash('sha256') : undefined
    const bytes = await writeOutput(output, withProgress(artifact, progress), hash)
    progress.end()
    const source = { name: basename(file), bytes: (await stat(file)).size }
    const warnings = [...converted?.warnings ?? [], ...artifact.warnings.map((message) => ({ message })), ...lintWarnings(artifact.facts.lints, request.lint)]
    const compiled = model.kind.kind === 'lite'
    const done: Done = { output, bytes, source, facts: artifact.facts, warnings, compiled, conversion: converted?.facts }
    if (hash) printDone(done, hash.digest('hex'))
    else printSummary(done)
  }
  try {
    if (isPythonFile(file)) return await fromPython(args, request, 'python', output, progress, compileTo)
    const source = await openSource(file)
    try {
      const kind = convertibleKind(source.kind, { ...request, file })
      if (kind !== undefined) return await fromPython(args, request, kind, output, progress, compileTo)
      const model = usableModel(source, request)
      await checkOutput(file, output)
      await compileTo(model)
    } finally {
      await source.close()
    }
  } finally {
    progress.end()
  }
}

/** A file beside the model, and never the model itself: `net.ptl`, `net.optimized.pt`. */
function besides(file: string, extension: string): string {
  const stem = basename(file, extname(file))
  return join(dirname(file), extname(file) === extension && extension !== '.ptl' ? `${stem}.optimized${extension}` : stem + extension)
}

/** Converts with PyTorch, then compiles. */
async function fromPython(
  args: Arguments, request: ModelRequest, kind: ConvertibleKind, output: string, progress: Progress,
  compileTo: (model: Model, converted: Converted) => Promise<void>,
): Promise<void> {
  const file = resolve(args.operand)
  const { createPyTorch } = await import('../pytorch/index.ts')
  const root = process.cwd()
  const engine = createPyTorch({ root, python: onlyValue(args, 'python'), timeLimit: timeLimitOf(args), onOutput: printOutput })
  const control: ConversionControl = { onProgress: ({ phase, share }) => progress.update(phase, share) }
  heedSignals(true)
  try {
    await withConverted({ ...request, file }, kind, { engine, root, control }, async (converted) => {
      heedSignals(false)
      await checkOutput(file, output)
      const model = await openModel(converted.file)
      try {
        await compileTo(model, converted)
      } finally {
        await model.close()
      }
    })
  } finally {
    heedSignals(false)
    await engine.close()
  }
}

const stop = (signal: NodeJS.Signals): void => process.exit(SIGNALS[signal])

/** By default a signal ends Node without a chance to clean up. Writing the output has handlers of its own. */
function heedSignals(heed: boolean): void {
  for (const signal of Object.keys(SIGNALS)) process[heed ? 'once' : 'off'](signal, stop)
}

const printOutput = (line: string): void => { process.stderr.write(`${colors.dim('python:')} ${plain(line)}\n`) }

function timeLimitOf(args: Arguments): number | undefined {
  const written = onlyValue(args, 'time-limit')
  if (written === undefined) return undefined
  const seconds = Number(written)
  if (seconds > 0 && Number.isFinite(seconds)) return seconds
  throw new PetalError({ code: 'USAGE', message: `"${written}" is no number of seconds.`, fix: 'Write "--time-limit 600".' })
}

/** Somebody may paste an import. */
function refuseImport(operand: string): void {
  const mark = operand.search(/\?(?:.*&)?mobile(?:&|$)/)
  if (mark < 0 || existsSync(operand)) return
  const pieces = operand.slice(mark + 1).split('&').filter((piece) => piece !== 'mobile' && !piece.startsWith('as='))
  const options = pieces.map((piece) => ` --${piece.replace(/=(.*)/, ' "$1"')}`)
  throw new PetalError({
    code: 'USAGE', message: `"${operand}" is written as an import.`,
    fix: `On the command line directives are options: petal optimize ${operand.slice(0, mark)}${options.join('')}`,
  })
}

/** Options that are directives of the same name. */
const DIRECTIVE_OPTIONS = ['backend', 'format', 'bytecode', 'runtime', 'preserve', 'bundle', 'lint', 'convert', 'entry', 'args', 'input', 'script', 'trace', 'check', 'tolerance', 'quantize'] as const

function requestOf(args: Arguments): ModelRequest {
  const written: WrittenDirective[] = []
  const block = args.values.get('block')
  if (block) written.push(['block', block.join(',')])
  for (const name of DIRECTIVE_OPTIONS) {
    const value = onlyValue(args, name)
    if (value) written.push([name, value])
  }
  // On the command line a path is relative to where one is, in an import to the file that is imported.
  const weights = onlyValue(args, 'weights')
  if (weights) written.push(['weights', resolve(weights)])
  for (const name of ['trust', 'code', 'debug']) if (args.switches.has(name)) written.push([name, undefined])
  return parseDirectives(written)
}

async function* withProgress(artifact: BuiltArtifact, progress: Progress): AsyncIterable<Uint8Array> {
  let written = 0
  for await (const piece of artifact.stream()) {
    yield piece
    written += piece.byteLength
    progress.update('writing', COMPILING + (1 - COMPILING) * written / artifact.size)
  }
}

/** What was made. */
interface Done {
  readonly output: string
  readonly bytes: number
  readonly source: { readonly name: string; readonly bytes: number }
  readonly facts: BuiltFacts
  readonly conversion: ConversionFacts | undefined
  readonly warnings: readonly Warning[]
  /** True for a model that was compiled before. */
  readonly compiled: boolean
}

function printDone({ output, bytes, source, facts, conversion, warnings }: Done, sha256: string): void {
  printJson({ file: output, bytes, sha256, source, facts, ...conversion && { conversion }, warnings })
}

function printSummary({ output, bytes, source, facts, conversion, warnings, compiled }: Done): void {
  const before = colors.dim(`from ${plain(source.name)}, ${size(source.bytes)}`)
  print(`${colors.bold(plain(output))}  ${size(bytes)}  ${before}`)
  const lines = compiled
    ? ['was compiled already; copied as it is']
    : [...conversion ? conversionLines(conversion) : [], ...optimizationLines(facts), operatorLine(facts), ...portLines(facts), checkLine(facts), ...phonesLines(facts), runtimeLine(facts)]
  print(...lines.map((line) => `  ${line}`))
  for (const { code, message, location } of warnings) {
    warn(code === undefined ? message : `${code}: ${message}`)
    if (location?.frame) process.stderr.write(`\n${plain(location.frame).replaceAll(/^/gm, '  ')}\n`)
  }
}
