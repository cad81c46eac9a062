/** Files that may be models; the query decides (webpack's filters only see the path). */
export const MODEL_FILE: RegExp = /\.(?:pt|pth|ptl)(?:\?|$)/

/** An id without its query. */
export const pathOf = (id: string): string => id.replace(/\?.*$/s, '')
