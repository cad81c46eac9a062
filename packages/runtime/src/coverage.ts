import { registry } from './engine.ts'
import { families } from './families.ts'
import { STEPS } from './lite/interpreter.ts'
import { RARE_STEPS } from './lite/rare-steps.ts'
import { UPGRADERS } from './lite/upgraders.ts'
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
  /** Operators that meant something else up to a version of the operators, and the operator of today that such models need beside it. */
  readonly upgrades: Readonly<Record<string, { readonly until: number; readonly uses: string }>>
  /** Element types of tensors, PyTorch's names. */
  readonly dtypes: readonly string[]
  /** All families. */
  readonly families: readonly string[]
}

/** Operators, classes of packed weights and instructions of this release of the runtime. */
export const coverage: Coverage = {
  operators: Object.fromEntries(families.flatMap((family) => [...registry([family]).keys()].map((name) => [name, family.name]))),
  classes: Object.fromEntries(families.flatMap((family) => Object.keys(family.prepare ?? {}).map((name) => [name, family.name]))),
  instructions: Object.keys({ ...STEPS, ...RARE_STEPS }),
  behind: { FORMAT: 'aten::format' },
  upgrades: Object.fromEntries(UPGRADERS.map(({ schema, until, uses }) => [schema.replace(/\(.*/, ''), { until, uses }])),
  dtypes: Object.keys(DTYPES),
  families: families.map(({ name }) => name),
}

/**
 * The name under which the module of a family (`@petaljs/runtime/ops/arithmetic`) exports an operator or a class of packed weights, for those
 * who import what a model needs and no more: `aten::add_.Tensor` -> `aten__add__Tensor`, `__torch__.torch.classes.xnnpack.LinearOpContext`
 * -> `LinearOpContext`. Both are tables of one or more operators or classes. The same rule is in `scripts/operators.mjs`.
 */
export function exportName(name: string): string {
  return name.replace(/^__torch__.*\./, '').replaceAll(/\W/g, '_')
}
