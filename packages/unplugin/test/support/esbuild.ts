import { setTimeout as sleep } from 'node:timers/promises'
import { type BuildOptions, type BuildResult, build, context, formatMessages, type Message, type Plugin } from 'esbuild'
import petal from '../../src/esbuild.ts'
import { type App, readTree } from './app.ts'
import type { BuildSettings, Output, TestBundler } from './bundler.ts'
import { runModule } from './module.ts'
import { createQueue } from './queue.ts'
import { virtualModules } from './virtual.ts'

/** esbuild itself stays silent; the plugin sees the level that a command line has. */
const logLevel = (level: 'info' | 'silent'): Plugin => ({ name: `log-${level}`, setup: ({ initialOptions }) => { initialOptions.logLevel = level } })

function optionsOf(app: App, settings: BuildSettings): BuildOptions {
  return {
    absWorkingDir: app.root, entryPoints: ['src/main.js'], outdir: app.path('dist'), outbase: app.path('src'), bundle: true, format: 'esm', splitting: true,
    entryNames: '[name]-[hash]', metafile: true, logLevel: 'silent', platform: settings.ssr ? 'node' : 'browser', minify: settings.minify ?? false,
    sourcemap: settings.sourceMaps ?? false,
    ...settings.base !== undefined && settings.base !== './' && { publicPath: settings.base },
    ...settings.assetNames && { assetNames: `${settings.assetNames}/[name].[hash]` },
    ...settings.ptAssets && { loader: { '.pt': 'file' } },
    plugins: [logLevel('info'), petal(settings.petal), logLevel('silent'), ...settings.virtual ? [virtualModules.esbuild(settings.virtual)] : []],
  }
}

const textOf = async (messages: readonly Message[], kind: 'error' | 'warning'): Promise<string> =>
  (await formatMessages([...messages], { kind, color: false })).join('\n')

async function outputOf(app: App, { errors, warnings, metafile }: BuildResult, said: readonly string[]): Promise<Output> {
  if (errors.length > 0) throw new Error(await textOf(errors, 'error'))
  const dir = app.path('dist')
  const files = await readTree(dir)
  const listed = Object.keys(metafile!.outputs).map((name) => name.replace(/^dist\//, ''))
  return {
    dir, files, listed, log: [...said, await textOf(warnings, 'warning')].join('\n'),
    run: () => runModule(dir, listed.find((name) => /^main-.*\.js$/.test(name))!),
  }
}

/** What esbuild's users see is on their terminal; it has no logger of its own. */
function listen(): { said: string[]; stop(): void } {
  const said: string[] = []
  const { error } = console
  console.error = (line: string): void => { said.push(line) }
  return { said, stop: () => { console.error = error } }
}

const WATCHED_MS = 300

export const esbuild0: TestBundler = {
  name: 'esbuild 0.28', kind: 'module', defaultBase: './',
  async build(app, settings = {}) {
    const { said, stop } = listen()
    try {
      const result = await build(optionsOf(app, settings)).catch(async (failed: BuildResult) => failed.errors ? failed : Promise.reject(failed))
      return await outputOf(app, result, said)
    } finally {
      stop()
    }
  },
  async watch(app, settings = {}) {
    const queue = createQueue<Output>()
    const { plugins = [], ...options } = optionsOf(app, settings)
    // esbuild looks at what it watches after it has told of a build: a change until then goes unseen.
    const report = (result: BuildResult): void => {
      const output = outputOf(app, result, [])
      output.catch(() => {})
      queue.push(sleep(WATCHED_MS).then(() => output))
    }
    const reporter: Plugin = { name: 'report', setup: (on) => { on.onEnd(report) } }
    const watching = await context({ ...options, plugins: [...plugins, reporter] })
    await watching.watch()
    return { next: queue.next, close: () => watching.dispose() }
  },
}
