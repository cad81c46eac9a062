import type { OptimizationFact } from '../facts.ts'
import type { PassLog } from '../passes/pass.ts'

interface Entry {
  applied: number
  readonly declined: Map<string, { readonly what: string; readonly why: string; count: number }>
}

/** Collects what passes tell, for the facts. */
export class PassRecord implements PassLog {
  readonly #entries: Map<string, Entry> = new Map()

  changed(pass: string, count: number): void {
    this.#entry(pass).applied += count
  }

  declined(pass: string, what: string, why: string): void {
    const { declined } = this.#entry(pass)
    const key = JSON.stringify([what, why])
    const known = declined.get(key)
    if (known) known.count++
    else declined.set(key, { what, why, count: 1 })
  }

  /** `names` first, in their order and also when nothing was told of them; then all others in the order they were told of. */
  facts(names: readonly string[], blocked: readonly string[]): OptimizationFact[] {
    return [...new Set([...names, ...this.#entries.keys()])].map((name) => {
      const entry = this.#entries.get(name)
      return { name, applied: entry?.applied ?? 0, blocked: blocked.includes(name), declined: [...entry?.declined.values() ?? []] }
    })
  }

  #entry(pass: string): Entry {
    const entry = this.#entries.get(pass) ?? { applied: 0, declined: new Map() }
    this.#entries.set(pass, entry)
    return entry
  }
}
