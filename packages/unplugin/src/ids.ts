/**
 * Files that a marked import may name; the query decides whether it is one (webpack's filters only see the path).
 * Not all of them can be compiled: people try, and get told why.
 */
export const MODEL_FILE: RegExp = /\.(?:py|pt|pth|ptl|pt2|pte|ckpt|safetensors|onnx)(?:\?|$)/i

/** An id without its query. */
export const pathOf = (id: string): string => id.replace(/\?.*$/s, '')

/** The query of an id, without the question mark. */
export const queryOf = (id: string): string => id.slice(pathOf(id).length + 1)

/** Marks the import of a stored file, so that no rule or hook has to know where the store is. */
export const ASSET_QUERY = '?petal-asset'

/** The stored file that an id asks for with the mark. */
export const storedOf = (id: string): string | undefined => (id.endsWith(ASSET_QUERY) ? id.slice(0, -ASSET_QUERY.length) : undefined)
