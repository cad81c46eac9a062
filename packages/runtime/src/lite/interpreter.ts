import { RuntimeError } from '../errors.ts'
import type { Machine } from '../machine.ts'
import { completeArguments, type Operator } from '../operator.ts'
import { Results, type ScriptObject, Tuple, type Value } from '../values.ts'
import type { Method } from './program.ts'

/** A method with its operators found. */
export interface Code extends Omit<Method, 'opcodes' | 'operators'> {
  readonly steps: readonly Step[]
  readonly operators: readonly { readonly operator: Operator; readonly numArgs: number | undefined }[]
}

/** Sees what operators give, in the order in which they run. */
export type Observer = (operator: string, result: Value, method: string, pc: number) => void

/** One call of a method. */
export interface Frame {
  readonly code: Code
  readonly registers: Value[]
  pc: number
}

/** Calls under way: all that refers to values while a model runs. */
export class Interpreter {
  readonly machine: Machine
  readonly stack: Value[] = []
  readonly frames: Frame[] = []
  /** Arguments of the running operator. */
  args: Value[] = []
  observe: Observer | undefined
  tick: (() => void) | undefined
  /** The instruction that threw. */
  failedAt: { readonly method: string; readonly pc: number } | undefined
  /** Code by class and method, for calls. */
  readonly #codes: ReadonlyMap<string, Code>
  readonly #formatting: Operator | undefined

  /** `formatting` is `aten::format`, for models with the instruction that stands for it. */
  constructor(machine: Machine, codes: ReadonlyMap<string, Code>, formatting?: Operator) {
    this.machine = machine
    this.#codes = codes
    this.#formatting = formatting
  }

  /** Runs a method on its object and arguments. What the model raises, and what operators refuse, is thrown as a RuntimeError. */
  run(code: Code, args: readonly Value[]): Value {
    const { stack, frames } = this
    stack.push(...args)
    frames.push(frameOf(code))
    try {
      while (frames.length > 0) {
        const frame = frames[frames.length - 1]!
        const { steps, x, n } = frame.code
        const { pc } = frame
        frame.pc++
        steps[pc]!(this, frame, x[pc]!, n[pc]!)
      }
      return stack.pop() ?? null
    } catch (error) {
      const frame = frames.at(-1)
      this.failedAt = frame && { method: frame.code.name, pc: frame.pc - 1 }
      throw error
    } finally {
      this.machine.memory.endCall()
      this.machine.running = ''
      stack.length = 0
      frames.length = 0
      this.args = []
    }
  }

  /** What is alive while the model runs. */
  * roots(): Iterable<Value> {
    yield this.stack
    yield this.args
    for (const { registers } of this.frames) yield registers
  }

  call(operator: Operator, count: number): void {
    const { stack, machine } = this
    const args = stack.splice(stack.length - count, count)
    completeArguments(operator, args)
    this.args = args
    machine.running = operator.name
    const result = operator.run(machine, ...args)
    machine.memory.endCall()
    if (result === undefined) return
    if (result instanceof Results) stack.push(...result.values)
    else stack.push(result)
    if (this.observe) {
      const { code, pc } = this.frames[this.frames.length - 1]!
      this.observe(operator.name, result instanceof Results ? result.values : result, code.name, pc - 1)
    }
  }

  enter(name: string): void {
    const code = this.#codes.get(name)
    if (!code) throw new RuntimeError('BAD_MODEL', `The model calls the method '${name}', which is not in the file.`)
    if (this.frames.length >= MAX_FRAMES) throw new RuntimeError('MODEL_ERROR', 'The model calls itself too deeply.')
    this.frames.push(frameOf(code))
  }

  format(count: number): void {
    this.call(this.#formatting!, count)
  }
}

/** As deep as Python's own. */
const MAX_FRAMES = 1000

function frameOf(code: Code): Frame {
  return { code, registers: Array.from({ length: code.registers + 1 }, () => null), pc: 0 }
}

/** What an instruction does. `x` and `n` are its two numbers. */
export type Step = (interpreter: Interpreter, frame: Frame, x: number, n: number) => void

export const pop = ({ stack }: Interpreter): Value => stack.pop()!

/** `[N]` of the stack, as one list. */
export const take = ({ stack }: Interpreter, count: number): Value[] => stack.splice(stack.length - count, count)

/**
 * The instructions that most models have; the others are in rare-steps.ts. Sources: torch/csrc/jit/mobile/interpreter.cpp, promoted_prim_ops.cpp, runtime/vararg_functions.cpp,
 * runtime/instruction.cpp (`isOpSupportedInMobile`).
 */
export const STEPS: Readonly<Record<string, Step>> = {
  OP: (it, { code }, x) => {
    const { operator, numArgs } = code.operators[x]!
    it.call(operator, numArgs ?? operator.arity ?? Number(pop(it)))
  },
  OPN: (it, { code }, x, n) => it.call(code.operators[x]!.operator, n),
  CALL: (it, { code }, x) => it.enter(String(code.constants[x])),
  LOAD: (it, { registers }, x) => it.stack.push(registers[x]!),
  MOVE: (it, { registers }, x) => {
    it.stack.push(registers[x]!)
    registers[x] = null
  },
  STORE: (it, { registers }, x) => { registers[x] = pop(it) },
  STOREN: (it, { registers }, x, n) => {
    for (let i = n - 1; i >= 0; i--) registers[x + i] = pop(it)
  },
  DROP: (it) => { pop(it) },
  DROPR: (_, { registers }, x) => { registers[x] = null },
  LOADC: (it, { code }, x) => it.stack.push(code.constants[x]!),
  GET_ATTR: (it, _, x) => it.stack.push((pop(it) as ScriptObject).slots[x] ?? null),
  SET_ATTR: (it, _, x) => {
    const value = pop(it)
    ;(pop(it) as ScriptObject).slots[x] = value
  },
  JF: (it, frame, x) => { if (pop(it) !== true) frame.pc += x - 1 },
  JMP: (_, frame, x) => { frame.pc += x - 1 },
  // On the stack: iterations so far, how many at most, whether to go on, and what the loop carries.
  LOOP: ({ stack, tick }, frame, x, n) => {
    tick?.()
    const at = stack.length - (n + 1)
    const [count, limit, goesOn] = [stack[at] as bigint, stack[at + 1] as bigint, stack[at + 2]]
    if (count < limit && goesOn === true) {
      stack[at + 2] = count
      stack[at] = count + 1n
    } else {
      stack.splice(at, 3)
      frame.pc += x - 1
    }
  },
  RET: (it) => { it.frames.pop() },
  LIST_CONSTRUCT: (it, _, __, n) => it.stack.push(take(it, n)),
  TUPLE_CONSTRUCT: (it, _, x) => it.stack.push(new Tuple(take(it, x))),
}
