import type { BytecodeVersion } from '../../compiler/artifact.ts'
import { badValue, choice, type Directive, flag, written } from '../directive.ts'

/** The engine the model is compiled for. */
export const backend: Directive<'backend'> = choice({
  name: 'backend',
  words: ['cpu', 'vulkan', 'metal'],
  fallback: 'cpu',
  stage: 'compilation',
})

/** The file that comes out. */
export const format: Directive<'format'> = choice({
  name: 'format',
  words: ['ptl', 'flatbuffer', 'torchscript'],
  fallback: 'ptl',
  stage: 'compilation',
})

/** The runtime that shall load it. */
export const runtime: Directive<'runtime'> = choice({
  name: 'runtime',
  words: ['1.9', '1.10', '1.11', '1.12', '1.13', '2.0', '2.1', 'any'],
  fallback: 'any',
  stage: 'compilation',
})

/** The version of the lite interpreter's code. */
export const bytecode: Directive<'bytecode'> = written({
  name: 'bytecode',
  stage: 'compilation',
  words: ['auto'],
  example: '7',
  fallback: 'auto',
  read(value) {
    if (value.toLowerCase() === 'auto') return 'auto'
    if (/^[4-9]$/.test(value)) return Number(value) as BytecodeVersion
    throw badValue('bytecode', value, 'versions 4 to 9 can be written', '7')
  },
  print: String,
})

/** Whether `torch.jit.load` shall read the file as well. */
export const code: Directive<'code'> = flag('code', 'compilation')

/** Whether errors of the runtime shall name source lines. */
export const debug: Directive<'debug'> = flag('debug', 'compilation')
