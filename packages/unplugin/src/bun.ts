import { petal } from './index.ts'

export type { PetalOptions } from './options.ts'

/**
 * The plugin for Bun's bundler.
 *
 * ```js
 * import petal from 'unplugin-petal/bun'
 * await Bun.build({ entrypoints: ['src/main.js'], outdir: 'dist', splitting: true, plugins: [petal()] })
 * ```
 */
const plugin: typeof petal.bun = petal.bun
export default plugin
/** `require` gives the plugin itself. */
export { plugin as 'module.exports' }
