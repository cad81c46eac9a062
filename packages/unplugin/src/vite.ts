import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for Vite 6, 7 and 8.
 *
 * ```ts
 * import petal from 'unplugin-petal/vite'
 * export default defineConfig({ plugins: [petal()] })
 * ```
 */
const plugin: typeof petal.vite = petal.vite
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
