import type { ImageSpec, ModelCheck, ModelRuntime } from '@petaljs/runtime/build'
import type { Artifact } from './compiler/artifact.ts'
import type { Facts, PortFact } from './compiler/facts.ts'

/** What is known of a model that was built: what the compiler tells, and what trying it told. Plain JSON, deterministic. */
export interface BuiltFacts extends Facts {
  /** What `forward` takes and gives; the same as `inputs` and `outputs`. */
  readonly signature: { readonly inputs: readonly PortFact[]; readonly outputs: readonly PortFact[] }
  /** How pictures become the model's input, where its extra file `image.json` or the import says so. */
  readonly image?: ImageSpec
  readonly runtime: ModelRuntime
  /** By family of the runtime: what an app imports of it to run the model. */
  readonly imports: Readonly<Record<string, readonly string[]>>
  readonly check: ModelCheck
}

/** An artifact of which that is known. */
export interface BuiltArtifact extends Omit<Artifact, 'facts' | 'needs'> {
  readonly facts: BuiltFacts
}

export type { ImageSpec, ModelCheck, ModelRuntime }
