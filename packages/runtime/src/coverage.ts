import { registry } from './engine.ts'
import { families } from './families.ts'
import { STEPS } from './lite/interpreter.ts'
import { DTYPES } from './tensor.ts'

/** What the runtime can run, for those who build: nothing of it is needed in an app. */
export interface Coverage {
  /** Family of each operator, by name with overload: `aten::softmax.int` -> `softmax`. */
  readonly operators: Readonly<Record<string, string>>
  /** Family of each class of packed weights. */
  readonly classes: Readonly<Record<string, string>>
  /** Names of the instructions. */
  readonly instructions: readonly string[]
  /** Operators that an instruction calls, whose family a model with it needs. */
  readonly behind: Readonly<Record<string, string>>
  /** Element types of tensors, PyTorch's names. */
  readonly dtypes: readonly string[]
  /** All families. */
  readonly families: readonly string[]
}

/** Operators, classes of packed weights and instructions of this release of the runtime. */
export const coverage: Coverage = {
  operators: Object.fromEntries(families.flatMap((family) => [...registry([family]).keys()].map((name) => [name, family.name]))),
  classes: Object.fromEntries(families.flatMap((family) => Object.keys(family.prepare ?? {}).map((name) => [name, family.name]))),
  instructions: Object.keys(STEPS),
  behind: { FORMAT: 'aten::format' },
  dtypes: Object.keys(DTYPES),
  families: families.map(({ name }) => name),
}
