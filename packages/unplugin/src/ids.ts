/**
 * Files that a marked import may name; the query decides whether it is one (webpack's filters only see the path).
 * Not all of them can be compiled: people try, and get told why.
 */
export const MODEL_FILE: RegExp = /\.(?:py|pt|pth|ptl|pt2|pte|ckpt|safetensors|onnx)(?:\?|$)/i

/** An id without its query. */
export const pathOf = (id: string): string => id.replace(/\?.*$/s, '')
