import type { IValue } from '../../ir/ivalue.ts'
import { asDouble, bool, float, floatToInt, int, isAscii, sameValue, type Evaluator, type Evaluators } from './evaluator.ts'

/** A binary operator by what its operands are; mixed int and float count as float (c10::Scalar and the `int_float` overloads). */
interface Binary {
  readonly int?: (a: bigint, b: bigint) => IValue | undefined
  readonly float?: (a: number, b: number) => IValue | undefined
  readonly bool?: (a: boolean, b: boolean) => IValue | undefined
  readonly string?: (a: string, b: string) => IValue | undefined
}

function binary(table: Binary): Evaluator {
  return (inputs) => {
    const [a, b] = inputs
    if (inputs.length !== 2 || a === undefined || b === undefined) return undefined
    if (a.tag === 'Int' && b.tag === 'Int') return table.int?.(a.value, b.value)
    if (a.tag === 'Bool' && b.tag === 'Bool') return table.bool?.(a.value, b.value)
    if (a.tag === 'String' && b.tag === 'String') return table.string?.(a.value, b.value)
    const [x, y] = [asDouble(a), asDouble(b)]
    return x === undefined || y === undefined ? undefined : table.float?.(x, y)
  }
}

function compare(
  int: (a: bigint, b: bigint) => boolean, float: (a: number, b: number) => boolean, string?: (a: string, b: string) => boolean,
): Evaluator {
  return binary({
    int: (a, b) => bool(int(a, b)), float: (a, b) => bool(float(a, b)),
    // Strings compare by bytes in C++, which is by code units only for ASCII.
    ...string && { string: (a: string, b: string) => isAscii(a) && isAscii(b) ? bool(string(a, b)) : undefined },
  })
}

/** `//` of Python: towards negative infinity (`floordiv` in torch/csrc/jit/runtime/register_ops_utils.h). */
function floorDivide(a: bigint, b: bigint): IValue | undefined {
  if (b === 0n) return undefined
  const quotient = a / b
  return int(a % b !== 0n && (a < 0n) !== (b < 0n) ? quotient - 1n : quotient)
}

/** `(b + a % b) % b` with C++'s `%`, which takes the sign of the dividend. */
function remainder(a: bigint, b: bigint): IValue | undefined {
  return b === 0n ? undefined : int((b + a % b) % b)
}

/** Powers of ints that a double holds exactly: for these C's pow is exact. */
function exactPower(a: bigint, b: bigint): bigint | undefined {
  if (b < 0n || b > 64n) return undefined
  const power = a ** b
  return power <= 2n ** 53n && power >= -(2n ** 53n) ? power : undefined
}

function shift(of: (a: bigint, b: bigint) => bigint): (a: bigint, b: bigint) => IValue | undefined {
  return (a, b) => a < 0n || b < 0n || b > 62n ? undefined : int(of(a, b))
}

function unary(table: {
  int?: (a: bigint) => IValue | undefined; float?: (a: number) => IValue | undefined; bool?: (a: boolean) => IValue | undefined
}): Evaluator {
  return ([a, extra]) => {
    if (a === undefined || extra !== undefined) return undefined
    return a.tag === 'Int' ? table.int?.(a.value) : a.tag === 'Double' ? table.float?.(a.value) : a.tag === 'Bool' ? table.bool?.(a.value) : undefined
  }
}

/** `round` of Python, half to even. */
function roundHalfEven(a: number): number {
  const floor = Math.floor(a)
  const rest = a - floor
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1
  // What rounds to nothing keeps its sign.
  return rounded === 0 && (a < 0 || Object.is(a, -0)) ? -0 : rounded
}

function equality(equal: boolean): Evaluator {
  return (inputs) => {
    const [a, b] = inputs
    if (inputs.length !== 2 || a === undefined || b === undefined) return undefined
    const same = sameValue(a, b)
    return same === undefined ? undefined : bool(same === equal)
  }
}

/** `is` and `is not`, where one side is None: identity of other values is nothing that constants have. */
function identity(same: boolean): Evaluator {
  return ([a, b]) => a?.tag === 'None' || b?.tag === 'None' ? bool((a?.tag === b?.tag) === same) : undefined
}

const smaller = binary({ int: (a, b) => int(a < b ? a : b), float: (a, b) => float(a < b ? a : b) })
const larger = binary({ int: (a, b) => int(a > b ? a : b), float: (a, b) => float(a > b ? a : b) })
const toInt = unary({ int, float: floatToInt, bool: (a) => int(a ? 1n : 0n) })
const toFloat = unary({ int: (a) => float(Number(a)), float, bool: (a) => float(a ? 1 : 0) })
const absolute = unary({ int: (a) => int(a < 0n ? -a : a), float: (a) => float(Math.abs(a)) })

/**
 * Operators on numbers, bools and strings, with TorchScript's semantics (torch/csrc/jit/runtime/register_prim_ops.cpp). Functions of
 * the C library that JavaScript may round otherwise (`exp`, `sin`, …) are left to run time.
 */
export const NUMBER_EVALUATORS: Evaluators = {
  'aten::add': binary({ int: (a, b) => int(a + b), float: (a, b) => float(a + b), string: (a, b) => ({ tag: 'String', value: a + b }) }),
  'aten::sub': binary({ int: (a, b) => int(a - b), float: (a, b) => float(a - b) }),
  'aten::mul': binary({ int: (a, b) => int(a * b), float: (a, b) => float(a * b) }),
  'aten::div': binary({ int: (a, b) => float(Number(a) / Number(b)), float: (a, b) => float(a / b) }),
  'aten::floordiv': binary({ int: floorDivide, float: (a, b) => float(Math.floor(a / b)) }),
  'aten::__round_to_zero_floordiv': binary({ int: (a, b) => b === 0n ? undefined : int(a / b) }),
  'aten::remainder': binary({ int: remainder, float: (a, b) => float((b + a % b) % b) }),
  'aten::fmod': binary({ int: (a, b) => float(Number(a) % Number(b)), float: (a, b) => float(a % b) }),
  'aten::pow': (inputs, node) => binary({
    int: (a, b) => {
      const power = exactPower(a, b)
      return power === undefined ? undefined : node.schema?.overload === 'int_to_int' ? int(power) : float(Number(power))
    },
  })(inputs, node),
  'aten::neg': unary({ int: (a) => int(-a), float: (a) => float(-a) }),
  'prim::abs': absolute,
  'aten::fabs': unary({ int: (a) => float(Math.abs(Number(a))), float: (a) => float(Math.abs(a)) }),
  'aten::floor': unary({ int, float: (a) => floatToInt(Math.floor(a)) }),
  'aten::ceil': unary({ int, float: (a) => floatToInt(Math.ceil(a)) }),
  'aten::round': unary({ float: (a) => float(Number.isFinite(a) ? roundHalfEven(a) : a) }),
  'aten::sqrt': unary({ int: (a) => float(Math.sqrt(Number(a))), float: (a) => float(Math.sqrt(a)) }),
  'aten::Int': toInt,
  'aten::Float': toFloat,
  'aten::Bool': unary({ int: (a) => bool(a !== 0n), float: (a) => bool(a !== 0), bool }),
  'aten::__not__': unary({ bool: (a) => bool(!a) }),
  'aten::__and__': binary({ int: (a, b) => int(a & b), bool: (a, b) => bool(a && b) }),
  'aten::__or__': binary({ int: (a, b) => int(a | b), bool: (a, b) => bool(a || b) }),
  'aten::__xor__': binary({ int: (a, b) => int(a ^ b), bool: (a, b) => bool(a !== b) }),
  'aten::__lshift__': binary({ int: shift((a, b) => a << b) }),
  'aten::__rshift__': binary({ int: shift((a, b) => a >> b) }),
  'aten::eq': equality(true),
  'aten::ne': equality(false),
  'aten::lt': compare((a, b) => a < b, (a, b) => a < b, (a, b) => a < b),
  'aten::le': compare((a, b) => a <= b, (a, b) => a <= b, (a, b) => a <= b),
  'aten::gt': compare((a, b) => a > b, (a, b) => a > b, (a, b) => a > b),
  'aten::ge': compare((a, b) => a >= b, (a, b) => a >= b, (a, b) => a >= b),
  'aten::__is__': identity(true),
  'aten::__isnot__': identity(false),
  'prim::min': smaller,
  'prim::max': larger,
  'aten::__range_length': ([low, high, step]) => {
    if (low?.tag !== 'Int' || high?.tag !== 'Int' || step?.tag !== 'Int' || step.value === 0n) return undefined
    const [from, to, by] = [low.value, high.value, step.value]
    if (by > 0n) return int(from < to ? 1n + (to - 1n - from) / by : 0n)
    return int(from > to ? 1n + (from - 1n - to) / -by : 0n)
  },
  'aten::__derive_index': ([index, start, step]) =>
    index?.tag === 'Int' && start?.tag === 'Int' && step?.tag === 'Int' ? int(start.value + index.value * step.value) : undefined,
  'aten::str': ([a]) => a?.tag === 'String' ? a : a?.tag === 'Int' ? { tag: 'String', value: String(a.value) } : undefined,
}
