import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for esbuild.
 *
 * ```js
 * import petal from 'unplugin-petal/esbuild'
 * await esbuild.build({ entryPoints: ['src/main.js'], bundle: true, format: 'esm', outdir: 'dist', plugins: [petal()] })
 * ```
 */
const plugin: typeof petal.esbuild = petal.esbuild
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
