import { toIValue, type Node } from './graph.ts'
import { schemaOf } from './match-schema.ts'
import { PRIM_FORMS } from './prim-forms.ts'
import type { FunctionSchema } from './schema.ts'

/** Nodes that do more than give outputs and write to memory they name (`Node::hasSideEffects` in torch/csrc/jit/ir/ir.cpp, and more). */
const EFFECTFUL: ReadonlySet<string> = new Set([
  'prim::PythonOp', 'prim::IgnoredPythonOp', 'prim::Print', 'prim::RaiseException', 'prim::AddStatValue', 'prim::TimePoint', 'prim::CallFunction',
  'prim::CallMethod', 'prim::BailoutTemplate', 'prim::BailOut', 'prim::rpc_async', 'prim::rpc_sync', 'prim::rpc_remote', 'prim::Enter',
  'prim::Exit', 'prim::fork', 'prim::awaitable', 'prim::profile', 'prim::profile_ivalue',
  'aten::warn', 'aten::save', 'aten::manual_seed', 'aten::seed', 'aten::wait', 'aten::set_grad_enabled', 'aten::backward', 'aten::_backward',
  'aten::requires_grad_', 'aten::retain_grad', 'aten::set_data', 'aten::record_stream', 'aten::resize_', 'aten::resize_as_', 'aten::set_',
  'cuda::set_stream', 'cuda::_set_device', 'cuda::_current_device', 'cuda::synchronize',
])

/**
 * Operators whose result depends on the random generator: those that native_functions.yaml tags `nondeterministic_seeded`.
 * Any other with a Generator argument is taken for one too.
 */
const SEEDED: ReadonlySet<string> = new Set([
  '_fused_dropout', '_sample_dirichlet', '_standard_gamma', 'alpha_dropout', 'alpha_dropout_', 'bernoulli', 'bernoulli_', 'binomial', 'cauchy_',
  'dropout', 'dropout_', 'exponential_', 'feature_alpha_dropout', 'feature_alpha_dropout_', 'feature_dropout', 'feature_dropout_', 'geometric_',
  'log_normal_', 'multinomial', 'native_dropout', 'normal', 'normal_', 'normal_functional', 'poisson', 'rand', 'rand_like', 'randint',
  'randint_like', 'randn', 'randn_like', 'random_', 'randperm', 'rrelu', 'rrelu_', 'rrelu_with_noise', 'rrelu_with_noise_', 'uniform_',
].map((name) => `aten::${name}`))

/** Namespaces whose operators do what their schemas say; of any other, nothing is known. */
const ANNOTATED_NAMESPACES: ReadonlySet<string> = new Set([
  'aten', 'prim', 'prepacked', 'quantized', '_quantized', 'vulkan_prepack', 'metal_prepack', 'metal', 'torchvision', 'sparse', 'mkldnn',
  'mkldnn_prepacked',
])

/** True when the schema of such an operator says all that it reads, writes and aliases. */
export function isAnnotated(kind: string): boolean {
  return ANNOTATED_NAMESPACES.has(kind.slice(0, kind.indexOf('::')))
}

/** True when the node itself, whatever it writes to, must run exactly as often and in the order it stands. Nested blocks count. */
export function hasSideEffects(node: Node): boolean {
  return hasOwnSideEffects(node) || node.blocks.some((block) => {
    for (const inner of block.nodes()) if (hasSideEffects(inner)) return true
    return false
  })
}

/** As {@link hasSideEffects}, without the nodes inside its blocks. */
export function hasOwnSideEffects(node: Node): boolean {
  if (EFFECTFUL.has(node.kind)) return true
  if (Object.hasOwn(PRIM_FORMS, node.kind)) return false
  const schema = schemaOf(node)
  if (schema === undefined || !isAnnotated(node.kind)) return true
  return traitsOf(schema).onlyEffect
}

interface Traits {
  /** What gives nothing and writes nothing (an assertion) is there for its effect. */
  readonly onlyEffect: boolean
  /** Takes a generator, or the odds of dropping something. */
  readonly random: boolean
}

const traits = new WeakMap<FunctionSchema, Traits>()

function traitsOf(schema: FunctionSchema): Traits {
  let known = traits.get(schema)
  if (known === undefined) {
    known = {
      onlyEffect: schema.returns.length === 0 && !schema.isVarret && !schema.arguments.some((argument) => argument.alias?.isWrite),
      random: schema.arguments.some(({ type, name }) =>
        type.kind === 'GeneratorType' || (type.kind === 'OptionalType' && type.element.kind === 'GeneratorType')
        || name === 'dropout' || name === 'dropout_p'),
    }
    traits.set(schema, known)
  }
  return known
}

/** True when the same inputs may give other outputs. Nested blocks count. */
export function isNondeterministic(node: Node): boolean {
  if (isOwnNondeterministic(node)) return true
  return node.blocks.some((block) => {
    for (const inner of block.nodes()) if (isNondeterministic(inner)) return true
    return false
  })
}

/** Arguments that switch randomness on, and the constant that switches it off. */
const SWITCHES: Readonly<Record<string, boolean | number>> = { train: false, training: false, dropout_p: 0 }

function isOwnNondeterministic(node: Node): boolean {
  if (Object.hasOwn(PRIM_FORMS, node.kind)) return false
  const schema = schemaOf(node)
  if (schema === undefined) return true
  if (!SEEDED.has(node.kind) && !traitsOf(schema).random) return false
  return !schema.arguments.some(({ name }, i) => {
    const off = Object.hasOwn(SWITCHES, name) ? SWITCHES[name] : undefined
    const value = off === undefined || node.inputs[i] === undefined ? undefined : toIValue(node.inputs[i])
    return (value?.tag === 'Bool' || value?.tag === 'Double') && value.value === off
  })
}
