import { basename } from 'node:path'
import colors from 'picocolors'
import type { Facts } from '../compiler/facts.ts'
import { isPythonFile } from '../conversion.ts'
import { PetalError } from '../errors.ts'
import type { BuiltFacts } from '../facts.ts'
import { type Model, makeArtifact, openModel } from '../model.ts'
import { defaultRequest } from '../request/index.ts'
import type { Arguments } from './arguments.ts'
import { checkLine, label, operatorLine, operatorTable, optimizationLines, phonesLines, portLines, runtimeLine } from './facts-text.ts'
import { createProgress } from './progress.ts'
import { plain, print, printJson, size, warn } from './terminal.ts'

/**
 * `petal inspect`: says what is in a model file. A TorchScript model is compiled for it, as only that tells what optimizing
 * does; nothing is written, so its large weights are never read.
 */
export async function inspect(args: Arguments): Promise<void> {
  if (isPythonFile(args.operand)) {
    throw new PetalError({
      code: 'PYTHON_SOURCE', message: `${basename(args.operand)} is Python source, and this looks into model files.`,
      fix: `"petal optimize ${args.operand}" converts it and says what came out; with --json, everything.`,
    })
  }
  const progress = createProgress(args.operand)
  const model = await openModel(args.operand)
  try {
    const { facts, warnings } = await makeArtifact(model, defaultRequest, { onProgress: ({ phase, share }) => progress.update(phase, share) })
    progress.end()
    const source = { name: model.name, bytes: model.source.size }
    if (args.switches.has('json')) return printJson({ kind: model.kind.kind, source, facts, warnings: warnings.map((message) => ({ message })) })
    print(title(model, facts), ...lines(model, facts).map((line) => `  ${line}`))
    for (const warning of warnings) warn(warning)
  } finally {
    progress.end()
    await model.close()
  }
}

function title({ name, kind, source }: Model, facts: Facts): string {
  const format = kind.kind === 'lite' ? `compiled for phones, ${facts.format === 'flatbuffer' ? 'a flatbuffer' : 'an archive'}, bytecode version ${facts.bytecodeVersion}` : 'TorchScript'
  return `${colors.bold(plain(name))}  ${size(source.size)}  ${colors.dim(format)}`
}

function lines({ kind }: Model, facts: BuiltFacts): string[] {
  const common = [...portLines(facts), ...phonesLines(facts), runtimeLine(facts), ...kind.kind === 'lite' ? [] : [checkLine(facts)], `${label('parameters')} ${facts.parameters.toLocaleString('en')}`]
  if (kind.kind === 'lite') return [...common, operatorLine(facts), ...operatorTable(facts.operators.after)]
  return [...common, operatorLine(facts), ...operatorTable(facts.operators.before), colors.dim('optimizing it:'), ...optimizationLines(facts)]
}
