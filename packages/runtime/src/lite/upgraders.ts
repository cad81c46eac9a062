import { type Implementation, type Operator, parseSchema } from '../operator.ts'
import { Tensor, type Dtype } from '../tensor.ts'
import type { Value } from '../values.ts'

/** Finds an operator of today. */
export type Lookup = (name: string) => Operator | undefined

/** What an operator meant in models up to an operator version, in today's operators. `uses` names those. */
export interface Upgrader {
  readonly until: number
  readonly schema: string
  readonly uses: string
  readonly run: (today: Implementation) => Implementation
}

const isFloat = (value: Value): boolean =>
  (value instanceof Tensor ? (['float16', 'float32', 'float64'] as Dtype[]).includes(value.dtype) : typeof value === 'number')

/** Dividing integers rounded towards zero. */
function integerDivision(name: string, overload: string, args: string): Upgrader[] {
  const mode = overload === 'out' ? 'out_mode' : `${overload}_mode`
  return [{
    until: 3, schema: `${name}.${overload}(${args})`, uses: `${name}.${mode}`,
    run: (today) => (m, self: Value, other: Value, ...out: Value[]) =>
      today(m, self, other, [self, other, ...out].some(isFloat) ? null : 'trunc', ...out),
  }]
}

/** The number of steps that `linspace` and `logspace` took when none was given. */
const DEFAULT_STEPS = 100n

/** Source: torch/csrc/jit/mobile/upgrader_mobile.cpp (`getOperatorVersionMapForMobile`). */
export const UPGRADERS: readonly Upgrader[] = [
  ...integerDivision('aten::div', 'Tensor', 'self, other'),
  ...integerDivision('aten::div', 'Scalar', 'self, other'),
  ...integerDivision('aten::div_', 'Tensor', 'self, other'),
  ...integerDivision('aten::div_', 'Scalar', 'self, other'),
  ...integerDivision('aten::div', 'out', 'self, other, out!'),
  { until: 9, schema: 'aten::gelu(self)', uses: 'aten::gelu', run: (today) => (m, self: Value) => today(m, self, 'none') },
  {
    until: 7, schema: 'aten::linspace(start, end, steps=None, dtype=None, layout=None, device=None, pin_memory=None)', uses: 'aten::linspace',
    run: (today) => (m, start: Value, end: Value, steps: Value, ...rest: Value[]) => today(m, start, end, steps ?? DEFAULT_STEPS, ...rest),
  },
  {
    until: 8, schema: 'aten::logspace(start, end, steps=None, base=10., dtype=None, layout=None, device=None, pin_memory=None)', uses: 'aten::logspace',
    run: (today) => (m, start: Value, end: Value, steps: Value, ...rest: Value[]) => today(m, start, end, steps ?? DEFAULT_STEPS, ...rest),
  },
]

/** An operator as models of a version mean it. */
export function operatorOf(name: string, version: number, today: Lookup): Operator | undefined {
  const upgrader = UPGRADERS.find(({ schema, until }) => version <= until && schema.startsWith(`${name}(`))
  const used = upgrader && today(upgrader.uses)
  return used ? parseSchema(upgrader.schema, upgrader.run(used.run)) : today(name)
}
