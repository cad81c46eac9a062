import { PetalError } from '../errors.ts'
import type { InputSpec } from '../example-input.ts'
import { type IValue, NONE, type ObjectValue, tensorValue } from '../ir/ivalue.ts'
import type { Argument } from '../ir/schema.ts'
import { annotationString, listOf, tupleOf, type Type } from '../ir/types.ts'
import type { LoadedModule } from '../script/load.ts'
import { recipeOf, type Recipe } from './recipe.ts'

/** Calls that may be bundled; their code is part of the file. */
export const MAX_BUNDLED_CALLS = 100
/** Elements of one bundled tensor: what readers of expanded tensors put up with. */
export const MAX_BUNDLED_ELEMENTS: number = 2 ** 27

const FUNCTION = 'forward'
const DEFLATED = `_bundled_inputs_deflated_${FUNCTION}`

/** The methods and the attribute that {@link bundleInputs} adds, by the names that torch/utils/bundled_inputs.py gives them. */
export const BUNDLED_MEMBERS: readonly string[] = [
  `_generate_bundled_inputs_for_${FUNCTION}`, `get_all_bundled_inputs_for_${FUNCTION}`, 'get_all_bundled_inputs', 'get_num_bundled_inputs',
  'get_bundled_inputs_functions_and_info', DEFLATED,
]

/**
 * Adds example inputs of `forward` to a model, with the methods by which apps and PyTorch's tools ask for them: what
 * `torch.utils.bundled_inputs.augment_model_with_bundled_inputs` does. Small tensors are stored, larger ones are computed when they are asked
 * for; the numbers are the same on every runtime. Throws a PetalError for inputs that `forward` does not take.
 */
export function bundleInputs(module: LoadedModule, calls: readonly (readonly InputSpec[])[]): void {
  const { root } = module
  const forward = module.method(FUNCTION)
  if (forward === undefined) throw noForward(root)
  if (hasBundledInputs(root)) throw alreadyBundled(root)
  if (calls.length > MAX_BUNDLED_CALLS) throw tooMany(calls.length)
  const [, ...args] = forward.schema.arguments
  const type = tupleOf(args.map((argument) => argument.type))
  const bundler = new Bundler()
  const made = calls.map((call, i) => bundler.call(call, args, `(deflated[${i}])`))
  root.type.attributes.push({ name: DEFLATED, type: listOf(type), isParameter: false, isBuffer: false })
  root.slots.set(DEFLATED, {
    tag: 'List', elementType: type, elements: made.map((values): IValue => ({ tag: 'Tuple', type, elements: values.map(({ stored }) => stored) })),
  })
  module.define({ name: 'code/bundled_inputs.py', text: codeOf(root.type.name, type, made) })
}

/** True for a model with the methods of torch/utils/bundled_inputs.py. */
export function hasBundledInputs({ type }: ObjectValue): boolean {
  return type.methods.has('get_all_bundled_inputs') || type.methods.has('get_bundled_inputs_functions_and_info')
}

/** A value that a model stores for an argument, and TorchScript for the argument. */
interface Deflated {
  readonly stored: IValue
  readonly expression: string
}

class Bundler {
  #tensors = 0

  /** The arguments of a call; `place` is TorchScript for the tuple of what is stored of them. */
  call(specs: readonly InputSpec[], args: readonly Argument[], place: string): Deflated[] {
    if (specs.length > args.length) throw wrongCount(specs.length, args.length)
    return args.map((argument, i) => {
      const spec = specs[i]
      if (spec !== undefined) return this.#value(spec, argument.type, `${place}[${i}]`, argument)
      if (argument.defaultValue === undefined && argument.type.kind !== 'OptionalType') throw missing(argument)
      return { stored: argument.defaultValue ?? NONE, expression: `${place}[${i}]` }
    })
  }

  #value(spec: InputSpec, type: Type, place: string, argument: Argument): Deflated {
    if (type.kind === 'OptionalType') return this.#value(spec, type.element, place, argument)
    switch (spec.kind) {
      case 'tensor': {
        if (type.kind !== 'TensorType') break
        const count = spec.shape.reduce((product, size) => product * size, 1)
        if (count > MAX_BUNDLED_ELEMENTS) throw tooLarge(count, argument)
        const { stored, expression = place }: Recipe = recipeOf(spec, this.#tensors++)
        return { stored: tensorValue(stored), expression }
      }
      case 'tuple':
        if (type.kind === 'TupleType' && type.name === undefined && type.elements.length === spec.items.length) {
          const items = spec.items.map((item, i) => this.#value(item, type.elements[i]!, `(${place})[${i}]`, argument))
          const expression = `(${items.map((item) => item.expression).join(', ')}${items.length === 1 ? ',' : ''})`
          return { stored: { tag: 'Tuple', type, elements: items.map(({ stored }) => stored) }, expression }
        }
        break
      case 'list':
        if (type.kind === 'ListType') {
          const items = spec.items.map((item, i) => this.#value(item, type.element, `(${place})[${i}]`, argument))
          const expression = `annotate(${annotationString(type)}, [${items.map((item) => item.expression).join(', ')}])`
          return { stored: { tag: 'List', elementType: type.element, elements: items.map(({ stored }) => stored) }, expression }
        }
        break
      case 'int': case 'float':
        if (type.kind === 'FloatType' || (type.kind === 'NumberType' && spec.kind === 'float')) {
          return { stored: { tag: 'Double', value: spec.value }, expression: place }
        }
        if (spec.kind === 'int' && (type.kind === 'IntType' || type.kind === 'NumberType')) {
          return { stored: { tag: 'Int', value: BigInt(spec.value) }, expression: place }
        }
        break
      case 'bool':
        if (type.kind === 'BoolType') return { stored: { tag: 'Bool', value: spec.value }, expression: place }
    }
    throw wrongKind(spec, argument)
  }
}

/** The methods, as PyTorch writes code into files. */
function codeOf(self: string, type: Type, calls: readonly (readonly Deflated[])[]): string {
  const list = annotationString(listOf(type))
  const sets = calls.map((values) => `(${values.map(({ expression }) => expression).join(', ')}${values.length === 1 ? ',' : ''})`)
  const info = 'Dict[str, List[str]]'
  return `def _generate_bundled_inputs_for_${FUNCTION}(self: ${self}) -> ${list}:
  deflated = self.${DEFLATED}
  return annotate(${list}, [${sets.join(', ')}])
def get_all_bundled_inputs_for_${FUNCTION}(self: ${self}) -> ${list}:
  return (self)._generate_bundled_inputs_for_${FUNCTION}()
def get_all_bundled_inputs(self: ${self}) -> ${list}:
  return (self).get_all_bundled_inputs_for_${FUNCTION}()
def get_num_bundled_inputs(self: ${self}) -> int:
  return torch.len((self).get_all_bundled_inputs_for_${FUNCTION}())
def get_bundled_inputs_functions_and_info(self: ${self}) -> Dict[str, ${info}]:
  info = annotate(List[str], [])
  name = ["get_all_bundled_inputs_for_${FUNCTION}"]
  all_inputs = annotate(Dict[str, ${info}], {"${FUNCTION}": annotate(${info}, {"info": info, "get_inputs_function_name": name})})
  return all_inputs
`
}

/** What is wrong with a request to bundle inputs. */
function refused(message: string, fix: string, cause?: string): PetalError {
  return new PetalError({ code: 'BAD_BUNDLE', message, fix, ...cause !== undefined && { cause } })
}

const EXAMPLE = 'Write the inputs of a call as "forward" takes them, separated by ";", as in "bundle=1x3x224x224;int64[1x16]<1000".'

const noForward = ({ type }: ObjectValue): PetalError =>
  refused(`The model (${type.name}) has no forward to bundle inputs for.`, 'Leave "bundle" out.')
const alreadyBundled = ({ type }: ObjectValue): PetalError =>
  refused(`The model (${type.name}) has bundled inputs already.`, 'Leave "bundle" out: the inputs that a model has are kept.', 'A model has one set of them.')
const tooMany = (count: number): PetalError => refused(`${count} calls are too many to bundle: at most ${MAX_BUNDLED_CALLS} are.`, 'Bundle fewer.')
const tooLarge = (count: number, { name }: Argument): PetalError =>
  refused(`The input for '${name}' has ${count} elements; at most ${MAX_BUNDLED_ELEMENTS} are bundled.`, 'Bundle a smaller one.')
const wrongCount = (given: number, taken: number): PetalError =>
  refused(`"forward" takes ${taken} ${taken === 1 ? 'input' : 'inputs'}, and "bundle" gives ${given}.`, EXAMPLE)
const missing = ({ name, type }: Argument): PetalError =>
  refused(`"bundle" has no input for '${name}' of "forward", which takes ${annotationString(type)} there.`, EXAMPLE)
const wrongKind = ({ kind }: InputSpec, { name, type }: Argument): PetalError =>
  refused(`"forward" takes ${annotationString(type)} for '${name}', and "bundle" gives ${kind === 'int' ? 'an' : 'a'} ${kind}.`, EXAMPLE,
    type.kind === 'DictType' || type.kind === 'ClassType' ? 'Dictionaries, strings and objects cannot be written in "bundle".' : undefined)
