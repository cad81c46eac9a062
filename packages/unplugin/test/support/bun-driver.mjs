// Builds with Bun, inside of Bun: settings as JSON in, what happened as JSON out.
import petal from '../../src/bun.ts'
import { virtualModules } from './virtual.ts'

const { root, settings, out } = JSON.parse(process.argv[2])
const log = []
for (const level of ['log', 'warn', 'error']) console[level] = (...all) => { log.push(all.join(' ')) }

const { base, assetNames, minify = false, ssr, sourceMaps, virtual } = settings
try {
  const { outputs } = await Bun.build({
    entrypoints: [`${root}/src/main.js`], outdir: `${root}/dist`, root: `${root}/src`, splitting: true, minify, target: ssr ? 'node' : 'browser',
    sourcemap: sourceMaps ? 'linked' : 'none',
    naming: { entry: '[name]-[hash].[ext]', ...assetNames && { asset: `${assetNames}/[name].[hash].[ext]` } },
    ...base !== undefined && base !== './' && { publicPath: base },
    plugins: [petal(settings.petal), ...virtual ? [virtualModules.bun(virtual)] : []],
  })
  await Bun.write(out, JSON.stringify({ log, listed: outputs.map(({ path }) => path.slice(root.length + '/dist/'.length)) }))
} catch (error) {
  await Bun.write(out, JSON.stringify({ log, failed: Bun.inspect(error) }))
}
