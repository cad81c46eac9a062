import { basename } from 'node:path'

/** Marks the import of a stored file that a bundler's loader `file` is for: esbuild's and Bun's. */
export const FILE_QUERY = '?petal-file'

/**
 * The module of a stored file, by that loader. Without a public path, URLs of files are relative to the script that has them (`isRelative`);
 * where scripts are no modules, there is no such thing.
 */
export const fileModule = (stored: string, isRelative: boolean): string =>
  `import url from ${JSON.stringify(`./${basename(stored)}${FILE_QUERY}`)}\nexport default ${isRelative ? 'new URL(url, import.meta.url).href' : 'url'}\n`
