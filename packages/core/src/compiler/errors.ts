/** Where in an input or an app something went wrong; every part is optional. Lines and columns count from 1. */
export interface ErrorLocation {
  file?: string
  line?: number
  column?: number
  /** A few lines of the text around the place, ready to print. */
  frame?: string
}

/** What a {@link PetalError} is made from. */
export interface PetalErrorInit {
  /** Stable, upper-case, for programs: `NOT_A_MODEL`, `UNKNOWN_OPERATOR`, … */
  code: string
  /** What happened, one sentence with the offending name in it. */
  message: string
  /** The likely cause, one sentence. */
  cause?: string
  /** What the user can do, one sentence in the imperative. */
  fix?: string
  location?: ErrorLocation
  /** Absolute paths of files besides the named one that were read: mending one of them may mend this. */
  dependencies?: readonly string[]
}

/**
 * The one error class of the project: every refusal of a user's input is one of these.
 * `message` is complete by itself (what, cause, fix), as bundlers print nothing else.
 */
export class PetalError extends Error {
  readonly code: string
  readonly what: string
  readonly likelyCause: string | undefined
  readonly fix: string | undefined
  readonly location: ErrorLocation | undefined
  readonly dependencies: readonly string[]

  constructor(init: PetalErrorInit) {
    super([init.message, [init.cause, init.fix].filter(Boolean).join(' ')].filter(Boolean).join('\n\n'))
    this.name = 'PetalError'
    this.code = init.code
    this.what = init.message
    this.likelyCause = init.cause
    this.fix = init.fix
    this.location = init.location
    this.dependencies = init.dependencies ?? []
  }

  /** The same error, said to have happened at `location` (fields given here win). */
  at(location: ErrorLocation): PetalError {
    return this.with({ location: { ...this.location, ...location } })
  }

  /** The same error with other parts. */
  with(parts: Partial<PetalErrorInit>): PetalError {
    const { code, what: message, likelyCause: cause, fix, location, dependencies } = this
    return new PetalError({
      code, message, dependencies, ...cause !== undefined && { cause }, ...fix !== undefined && { fix }, ...location && { location }, ...parts,
    })
  }
}
