/** What a model's runtime takes: gzip, by part and in all; `later` is loaded where it is needed, `code` are the scripts without kernels. */
export interface Sizes {
  readonly sizes: Readonly<Record<string, number>>
  readonly total: number
  readonly later: Readonly<Record<string, number>>
  readonly code: string
}

export declare const CNN: readonly string[]
export declare const ZOO: readonly string[]

export declare function sizeOf(names: readonly string[], options?: { readonly without?: readonly string[] }): Promise<Sizes>
