import { numel, type ScalarType } from '../archive/tensor.ts'
import type { LintFact } from '../facts.ts'
import { allNodes, toIValue, type Node, type SourceRange } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import { objectsOf } from '../ir/objects.ts'
import { schemaName } from '../ir/schema.ts'
import { LINT_CODES, type LintCode } from '../lint-codes.ts'
import { graphsOf, type Program } from '../program.ts'

/** Calls of an operator. */
export interface CalledOperator {
  /** With its overload. */
  readonly operator: string
  readonly count: number
  /** What of it is missing, where that is not all of it. */
  readonly why?: string
  /** Where it is first called. */
  readonly at?: SourceRange
}

/** Operators that what runs a program lacks, and a sentence around their list. */
export interface Missing {
  readonly operators: readonly CalledOperator[]
  readonly sentence: (list: string) => string
}

/** Names of a list that are written out. */
const MAX_NAMES = 5

/**
 * What of an emitted program is likely not meant, in the order of {@link LINT_CODES}. Those that `generate_mobile_module_lints` of
 * torch/utils/mobile_optimizer.py knows are said of the program that comes out, so that what optimizing took away is nothing to tell of;
 * bundled inputs are looked for where apps ask for them.
 */
export function lintsOf(program: Program, missing?: Missing): LintFact[] {
  const found: Readonly<Record<LintCode, Found>> = {
    BUNDLED_INPUT: program.methods.some(({ name }) => name === 'get_all_bundled_inputs') ? [] : ['The file has no bundled inputs for forward.', 1],
    REQUIRES_GRAD: parameters(program),
    DROPOUT: operators(program, (name) => name.includes('dropout'), 'is left in the file'),
    BATCHNORM: operators(program, (name) => name.includes('batch_norm'), 'is left in the file'),
    MISSING_OPERATOR: missing ? told(missing.operators, missing.sentence) : [],
    FLOAT16_WEIGHTS: weights(program, 'Half', 'float16'),
    FLOAT64_WEIGHTS: weights(program, 'Double', 'float64'),
    TRAINING_MODE: operators(program, (_, node) => isTraining(node), 'runs as in training'),
  }
  return LINT_CODES.flatMap((code): LintFact[] => {
    const [message, count = 0, at] = found[code]
    return message === undefined ? [] : [{ code, message, count, ...at && { at: { file: at.file, line: at.line } } }]
  })
}

/** A sentence, how often, and the first place; empty when there is nothing to tell. */
type Found = readonly [] | readonly [message: string, count: number, at?: SourceRange | undefined]

function told(list: readonly CalledOperator[], sentence: (list: string) => string): Found {
  if (list.length === 0) return []
  const names = list.map(({ operator, count, why, at }) => {
    const place = at ? `${count === 1 ? '' : 'first '}at ${at.file}:${at.line}` : undefined
    return `${operator} (${[why, count === 1 ? 'once' : `${count} times`, place].filter(Boolean).join(', ')})`
  })
  return [sentence(enumerated(names)), list.reduce((sum, { count }) => sum + count, 0), list.find(({ at }) => at)?.at]
}

/** Operators by name, as `torch.jit.export_opnames` lists them. */
function operators(program: Program, select: (name: string, node: Node) => boolean, what: string): Found {
  const counts = new Map<string, CalledOperator>()
  for (const node of nodesOf(program)) {
    const name = node.schema ? schemaName(node.schema) : node.kind
    if (!select(name, node)) continue
    const { count, at } = counts.get(name) ?? { count: 0, ...node.range && { at: node.range } }
    counts.set(name, { operator: name, count: count + 1, ...at && { at } })
  }
  const list = [...counts.values()].toSorted((a, b) => (a.operator < b.operator ? -1 : 1))
  return told(list, (names) => `${names} ${list.length === 1 ? what : what.replace(/^is /, 'are ').replace(/^runs/, 'run')}.`)
}

function* nodesOf(program: Program): Generator<Node> {
  for (const { block } of graphsOf(program)) yield* allNodes(block)
}

/** Parameters in the file that want gradients: those that nothing froze. */
function parameters({ root }: Program): Found {
  const names: string[] = []
  const paths = new Map<IValue, string>([[root, '']])
  for (const object of objectsOf(root)) {
    for (const [name, value] of object.slots) {
      const path = `${paths.get(object) ?? '…'}${name}`
      if (value.tag === 'Object') paths.set(value, `${path}.`)
      if (value.tag === 'Tensor' && value.value.requiresGrad) names.push(path)
    }
  }
  if (names.length === 0) return []
  return [`${names.length === 1 ? 'The parameter' : 'The parameters'} ${enumerated(names.toSorted())} ${names.length === 1 ? 'requires' : 'require'} gradients.`, names.length]
}

/** Weights of an element type; numbers that are tensors are none. */
function weights(program: Program, scalarType: ScalarType, name: string): Found {
  const storages = new Set<string>()
  let elements = 0
  let at: SourceRange | undefined
  const visit = (root: IValue, range?: SourceRange): void => {
    for (const value of tensorsIn(root)) {
      if (value.scalarType !== scalarType || numel(value) <= 1 || storages.has(value.storage.identity)) continue
      storages.add(value.storage.identity)
      elements += numel(value)
      at ??= range
    }
  }
  for (const { slots } of objectsOf(program.root)) {
    for (const [attribute, value] of slots) if (value.tag !== 'Object' && !attribute.startsWith('_bundled_inputs_deflated_')) visit(value)
  }
  for (const node of nodesOf(program)) {
    const value = node.kind === 'prim::Constant' ? toIValue(node.output) : undefined
    const [use] = node.kind === 'prim::Constant' ? node.output.uses : []
    if (value !== undefined) visit(value, use?.user.range)
  }
  const count = storages.size
  const place = at ? `, used at ${at.file}:${at.line}` : ''
  return count === 0 ? [] : [`${count} ${count === 1 ? 'weight' : 'weights'} with ${elements} elements ${count === 1 ? 'is' : 'are'} ${name}${place}.`, count, at]
}

function* tensorsIn(value: IValue): Generator<Extract<IValue, { tag: 'Tensor' }>['value']> {
  switch (value.tag) {
    case 'Tensor': yield value.value; break
    case 'List': case 'Tuple': for (const element of value.elements) yield* tensorsIn(element); break
    case 'Dict': for (const [, element] of value.entries) yield* tensorsIn(element); break
    case 'CustomObject': yield* tensorsIn(value.state)
  }
}

/** The argument that says whether an operator is in training, by its name in the schema. */
const TRAINING_ARGUMENTS = ['train', 'training']
/** An average that is kept while training: a batch norm that has none always uses the batch's own. */
const RUNNING_MEAN = 'running_mean'

/** True for what evaluation leaves out or does otherwise, and this call certainly does: dropout, and batch norms that change their averages. */
function isTraining({ schema, inputs, kind }: Node): boolean {
  if (schema === undefined || !/dropout|batch_norm|rrelu/.test(kind)) return false
  const argument = (names: readonly string[]): IValue | undefined => {
    const index = schema.arguments.findIndex(({ name }) => names.includes(name))
    return index < 0 || inputs[index] === undefined ? undefined : toIValue(inputs[index])
  }
  const training = argument(TRAINING_ARGUMENTS)
  return training?.tag === 'Bool' && training.value && argument([RUNNING_MEAN])?.tag !== 'None'
}

function enumerated(names: readonly string[]): string {
  const rest = names.length - MAX_NAMES
  return rest > 0 ? `${names.slice(0, MAX_NAMES).join(', ')} and ${rest} more` : names.join(', ')
}
