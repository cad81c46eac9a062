import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for webpack 5.
 *
 * ```js
 * import petal from 'unplugin-petal/webpack'
 * export default { plugins: [petal()] }
 * ```
 */
const plugin: typeof petal.webpack = petal.webpack
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
