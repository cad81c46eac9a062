import { resolve } from 'node:path'
import colors from 'picocolors'
import { type Diagnosis, examine, type PythonReport, type TrialReport } from '../pytorch/doctor.ts'
import { requireFolder } from '../pytorch/setup.ts'
import { storeDirectory } from '../store/location.ts'
import type { Arguments } from './arguments.ts'
import { EXIT } from './exit.ts'
import { projectFolder } from './setup.ts'
import { plain, print, printJson } from './terminal.ts'

type Machine = Readonly<Record<'node' | 'platform' | 'arch' | 'folder' | 'cache', string>>

/** `petal doctor`: whether builds can convert Python sources here, and what to do where they cannot. */
export async function doctor(args: Arguments): Promise<void> {
  const folder = args.operand === '' ? projectFolder(process.cwd()) : resolve(args.operand)
  await requireFolder(folder)
  const diagnosis = await examine({ root: folder, env: process.env })
  const { versions: { node }, platform, arch } = process
  const machine = { node, platform, arch, folder, cache: storeDirectory({ root: folder }) }
  const isWell = diagnosis.problems.length === 0
  if (args.switches.has('json')) printJson({ ok: isWell, ...machine, ...diagnosis })
  else print(...machineLines(machine), '', ...diagnosisLines(diagnosis))
  if (!isWell) process.exitCode = EXIT.refused
}

function machineLines({ node, platform, arch, folder, cache }: Machine): string[] {
  return [`Node     ${node} on ${platform} ${arch}`, `Project  ${plain(folder)}`, `Cache    ${plain(cache)}`]
}

function diagnosisLines({ pythons, trials, problems }: Diagnosis): string[] {
  return [
    colors.bold('Python, in the order of search'),
    ...pythons.flatMap(pythonLines),
    ...pythons.length === 0 ? ['  none: no environment in the project or active, and no python3 on the PATH'] : [],
    ...trials.length === 0 ? [] : ['', colors.bold('Conversions tried with it'), ...trials.flatMap(trialLines)],
    '',
    ...problems.length === 0
      ? [colors.green('Python sources can be converted here.')]
      : problems.flatMap(({ what, fix }) => [`${colors.red('problem:')} ${plain(what)}`, ...fix === undefined ? [] : [`  ${plain(fix)}`]]),
  ]
}

function pythonLines({ command, origin, executable, python, torch, problem, isChosen }: PythonReport): string[] {
  const versions = [python && `Python ${python}`, torch && `PyTorch ${torch}`].filter(Boolean).join(', ')
  const state = problem ?? (isChosen ? 'a build uses this one' : 'could convert too')
  return [
    `${isChosen ? colors.green('*') : ' '} ${plain(command)}  ${colors.dim(origin)}`,
    ...executable === undefined ? [] : [`    is ${plain(executable)}`],
    `    ${plain([versions, state].filter(Boolean).join('; '))}`,
  ]
}

function trialLines({ trial, result, problem }: TrialReport): string[] {
  const name = trial.padEnd('quantize'.length)
  if (problem !== undefined) {
    const { what, fix } = problem
    return [`  ${name}  ${colors.red('fails')}: ${plain(what)}`, ...fix === undefined ? [] : [`    ${plain(fix)}`]]
  }
  const { start, importing, total } = result!
  const cold = importing > 0.05 ? `, of which ${start.toFixed(2)} s to start Python and ${importing.toFixed(2)} s to import torch` : ''
  return [`  ${name}  ${colors.green('works')}, ${total.toFixed(2)} s${cold}`]
}
