import { RuntimeError } from '@petaljs/runtime/build'
import type { ByteSource } from '../compiler/archive/byte-source.ts'
import { compile } from '../compiler/compile.ts'
import { runtimeFact } from '../coverage.ts'
import { PetalError } from '../errors.ts'
import { load, TooSlow } from './engine.ts'
import type { Plain } from './examples.ts'

/** What `torch.utils.bundled_inputs` gives a model: a list of tuples of arguments. */
const METHOD = 'get_all_bundled_inputs'

/** The arguments of calls that the model brings with it; a text tells why there are none. */
export async function bundledInputs(source: ByteSource): Promise<(readonly Plain[])[] | string> {
  try {
    const artifact = await compile(source, { backend: 'cpu', format: 'ptl', block: [], method: METHOD })
    const [lacking] = runtimeFact(artifact.needs).unsupported
    if (lacking) return `the bundled inputs need ${lacking.operator}, which Petal's runtime lacks`
    const sets = (await load(artifact)).call(METHOD, [])
    const tuples = typeof sets === 'object' && sets !== null && 'list' in sets ? sets.list : []
    const calls = tuples.flatMap((set) => (typeof set === 'object' && set !== null && 'tuple' in set ? [set.tuple] : []))
    return calls.length > 0 ? calls : 'the model has bundled inputs, and there are none in it'
  } catch (error) {
    if (error instanceof PetalError && error.code === 'NO_METHOD') return 'there are no example inputs: neither "input" nor bundled ones'
    if (error instanceof PetalError || error instanceof RuntimeError || error instanceof TooSlow) return `the bundled inputs cannot be made: ${error.message.split('\n')[0]}`
    throw error
  }
}
