import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for Rsbuild 2.
 *
 * ```js
 * // rsbuild.config.js
 * import petal from 'unplugin-petal/rsbuild'
 * export default { plugins: [petal()] }
 * ```
 */
const plugin: typeof petal.rsbuild = petal.rsbuild
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
