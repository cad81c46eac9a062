import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for Rspack 2.
 *
 * ```js
 * // rspack.config.js
 * import petal from 'unplugin-petal/rspack'
 * export default { plugins: [petal()] }
 * ```
 */
const plugin: typeof petal.rspack = petal.rspack
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
