import type { Plugin } from 'rolldown'

/** What the plugin works on. */
export interface OperatorExports {
  /** The folder with the operators' sources. */
  readonly root: string
  /** The files of families. */
  readonly families: readonly string[]
  /** False where tables stay whole. */
  readonly split?: boolean
}

/** Makes operators importable one by one. */
export declare function operatorExports(options: OperatorExports): Plugin

/** A schema without the names of its arguments, but for the first one's. */
export declare function withoutNames(schema: string): string
