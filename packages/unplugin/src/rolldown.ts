import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for Rolldown 1.
 *
 * ```js
 * // rolldown.config.js
 * import petal from 'unplugin-petal/rolldown'
 * export default { input: 'src/main.js', plugins: [petal()] }
 * ```
 */
const plugin: typeof petal.rolldown = petal.rolldown
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
