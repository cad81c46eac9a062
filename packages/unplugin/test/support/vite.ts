import * as viteEight from 'vite'
import * as viteSix from 'vite6'
import * as viteSeven from 'vite7'
import petal from '../../src/vite.ts'
import { type App, readTree } from './app.ts'
import type { BuildSettings, Output, TestBundler } from './bundler.ts'
import { printed, runModule } from './module.ts'
import { createQueue } from './queue.ts'
import { virtualModules } from './virtual.ts'

interface ViteLog {
  readonly logger: viteEight.Logger
  text(): string
}

export function createLog(vite: typeof viteEight): ViteLog {
  const lines: string[] = []
  const logger = vite.createLogger('info', { allowClearScreen: false })
  const take = (message: string): void => { lines.push(message) }
  return { logger: Object.assign(logger, { info: take, warn: take, warnOnce: take, error: take }), text: () => lines.join('\n') }
}

export function viteConfig(app: App, settings: BuildSettings, logger: viteEight.Logger): viteEight.InlineConfig {
  return {
    root: app.root,
    configFile: false,
    base: settings.base ?? '/',
    customLogger: logger,
    logLevel: 'warn',
    cacheDir: app.path('.vite'),
    plugins: [petal(settings.petal), settings.virtual && virtualModules.vite(settings.virtual)],
    ...settings.ptAssets && { assetsInclude: ['**/*.pt'] },
    build: {
      // Models must never be inlined, however small.
      assetsInlineLimit: (file) => file.endsWith('.ptl'),
      manifest: true,
      sourcemap: settings.sourceMaps ?? false,
      ssr: settings.ssr ? app.path('src/main.js') : false,
      rollupOptions: {
        ...!settings.ssr && { input: app.path('src/main.js') },
        ...settings.assetNames && { output: { assetFileNames: `${settings.assetNames}/[name].[hash][extname]` } },
      },
    },
  }
}

async function outputOf(app: App, ssr: boolean | undefined, log: () => string): Promise<Output> {
  const dir = app.path('dist')
  const files = await readTree(dir)
  const manifest = Object.values(JSON.parse(files['.vite/manifest.json']!.toString()) as Record<string, { file: string; assets?: string[] }>)
  return {
    dir,
    files,
    log: log(),
    listed: [...manifest.map(({ file }) => file), ...manifest.flatMap(({ assets }) => assets ?? [])],
    run: () => runModule(dir, Object.keys(files).find((name) => (ssr ? /^main\.m?js$/ : /^assets\/main-.*\.js$/).test(name))!),
  }
}

function viteBundler(name: string, vite: typeof viteEight): TestBundler {
  return {
    name, kind: 'module', defaultBase: '/',
    async build(app, settings = {}) {
      const { logger, text } = createLog(vite)
      await vite.build(viteConfig(app, settings, logger)).catch((error: unknown) => { throw printed(error) })
      return outputOf(app, settings.ssr, text)
    },
    async watch(app, settings = {}) {
      const { logger, text } = createLog(vite)
      const config = viteConfig(app, settings, logger)
      const watcher = await vite.build({ ...config, build: { ...config.build, watch: {} } }) as any
      const queue = createQueue<Output>()
      // An END follows an ERROR, too: a build is its BUNDLE_END or its ERROR.
      watcher.on('event', (event: any) => {
        if (event.code === 'BUNDLE_END') queue.push(event.result.close().then(() => outputOf(app, settings.ssr, text)))
        if (event.code === 'ERROR') queue.push(Promise.reject(printed(event.error)))
      })
      return { next: queue.next, close: () => watcher.close() }
    },
  }
}

const VERSIONS = { 'vite 8': viteEight, 'vite 7': viteSeven as unknown as typeof viteEight, 'vite 6': viteSix as unknown as typeof viteEight }

export const VITES: readonly (readonly [name: string, vite: typeof viteEight])[] = Object.entries(VERSIONS)
const bundler = (name: keyof typeof VERSIONS): TestBundler => viteBundler(name, VERSIONS[name])

export const vite8: TestBundler = bundler('vite 8')
export const vite7: TestBundler = bundler('vite 7')
export const vite6: TestBundler = bundler('vite 6')
