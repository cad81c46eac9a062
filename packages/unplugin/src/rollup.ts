import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for Rollup 4.
 *
 * ```js
 * // rollup.config.js
 * import petal from 'unplugin-petal/rollup'
 * export default { input: 'src/main.js', plugins: [petal()] }
 * ```
 */
const plugin: typeof petal.rollup = petal.rollup
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
