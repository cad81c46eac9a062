import type { Artifact, CompileOptions } from './artifact.ts'
import type { ByteSource } from './archive/byte-source.ts'

/**
 * Compiles a TorchScript archive (`torch.jit.save`) into a lite-interpreter file.
 * Throws a PetalError for anything it cannot compile correctly.
 */
export async function compile(source: ByteSource, options: CompileOptions): Promise<Artifact> {
  throw new Error(`not wired yet: ${source.size} ${options.format}`)
}
