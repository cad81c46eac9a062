import { stripVTControlCharacters } from 'node:util'
import { createRsbuild } from '@rsbuild/core'
import { type Compiler as RspackCompiler, rspack } from '@rspack/core'
import { RspackDevServer } from '@rspack/dev-server'
import { onTestFinished } from 'vitest'
import { type Configuration, type Stats, webpack } from 'webpack'
import WebpackDevServer from 'webpack-dev-server'
import type { PetalOptions } from '../../src/index.ts'
import petalRsbuild from '../../src/rsbuild.ts'
import petalRspack from '../../src/rspack.ts'
import petalWebpack from '../../src/webpack.ts'
import type { App } from './app.ts'

/** A dev server that a page is open on. */
export interface PageServer {
  readonly origin: string
  /** What the last compilation prints of its errors; undefined before the first. */
  errors(): string | undefined
  /** The same of its warnings. */
  warnings(): string | undefined
  /** How often it has compiled, whatever came of it. */
  compilations(): number
  /** Files and folders that it watches. */
  watched(): readonly string[]
  /** What the bundler's log has of this plugin. */
  readonly log: readonly string[]
  close(): Promise<void>
}

/** A bundler of webpack's kind with a dev server of its own. */
export interface PageBundler {
  readonly name: string
  /** Serves the app's `src/main.js` in a page, until it is closed or the test is over. */
  start(app: App, petal?: PetalOptions): Promise<PageServer>
  /** JavaScript that gives the texts of the overlays that a page shows. */
  readonly overlays: string
}

const PAGE = '<!doctype html><link rel="icon" href="data:,"><body></body><script src="/main.js"></script>'

/** What both dev servers take: webpack's and Rspack's, which is a port of it. */
const SERVER = {
  host: '127.0.0.1', port: 'auto' as const, hot: true, open: false, client: { logging: 'none' as const }, setupExitSignals: false,
}

function configOf(app: App, log: string[]): Configuration {
  return {
    context: app.root,
    mode: 'development',
    entry: './src/main.js',
    output: { path: app.path('dist'), publicPath: '/' },
    // Tests write files as fast as they can.
    watchOptions: { aggregateTimeout: 20 },
    infrastructureLogging: {
      level: 'none', debug: /^petal$/, colors: false,
      stream: { write: (line: string) => log.push(line) } as unknown as NodeJS.WritableStream,
    },
    stats: 'none',
    cache: false,
  }
}

/** The texts in the frame that webpack's dev server, or Rspack's, lays over a page. */
const FRAMES = `[...document.querySelectorAll('iframe[id$="-dev-server-client-overlay"]')].map((one) => one.contentDocument.body.innerText)`

interface Watched {
  readonly hooks: { readonly done: { tap(name: string, told: (stats: Stats) => void): void } }
}

/** Rspack draws in colours in CI, whatever it is told. */
const plain = (text: string | undefined): string | undefined => text && stripVTControlCharacters(text)

/** What a compiler did and found. */
function observed(compiler: unknown): Pick<PageServer, 'errors' | 'warnings' | 'compilations' | 'watched'> {
  let last: Stats | undefined
  let count = 0
  let files: string[] = []
  const { hooks } = compiler as Watched
  hooks.done.tap('test', (stats) => {
    last = stats
    count++
    files = [...stats.compilation.fileDependencies]
  })
  return {
    errors: () => plain(last?.toString({ all: false, errors: true })),
    warnings: () => plain(last?.toString({ all: false, warnings: true })),
    compilations: () => count,
    watched: () => files,
  }
}

/** Ends a server once, by the test or after it. */
function closing(close: () => Promise<unknown>): () => Promise<void> {
  let closed: Promise<unknown> | undefined
  const end = async (): Promise<void> => { await (closed ??= close()) }
  onTestFinished(end)
  return end
}

interface DevServer {
  readonly options: { readonly port?: unknown }
  start(): Promise<void>
  stop(): Promise<void>
}

/** Starts webpack's dev server, or Rspack's. */
async function startServer(app: App, serve: (log: string[]) => readonly [compiler: unknown, server: DevServer]): Promise<PageServer> {
  await app.write('public/index.html', PAGE)
  const log: string[] = []
  const [compiler, server] = serve(log)
  const found = observed(compiler)
  const close = closing(() => server.stop())
  await server.start()
  return { ...found, log, origin: `http://127.0.0.1:${server.options.port}`, close }
}

const webpack5: PageBundler = {
  name: 'webpack-dev-server',
  overlays: FRAMES,
  start: (app, petal) => startServer(app, (log) => {
    const compiler = webpack({ ...configOf(app, log), plugins: [petalWebpack(petal)] })!
    return [compiler, new WebpackDevServer({ ...SERVER, static: app.path('public') }, compiler)]
  }),
}

const rspack2: PageBundler = {
  name: '@rspack/dev-server',
  overlays: FRAMES,
  start: (app, petal) => startServer(app, (log) => {
    const compiler = rspack({ ...configOf(app, log) as object, plugins: [petalRspack(petal)] }) as RspackCompiler
    return [compiler, new RspackDevServer({ ...SERVER, static: app.path('public') }, compiler)]
  }),
}

const none = (): void => undefined

/** A log that keeps what is worth knowing. */
function logTo(log: string[]): object {
  const say = (...said: unknown[]): void => { log.push(said.join(' ')) }
  const told = { log: say, info: say, warn: none, error: none, debug: none, start: none, ready: none, success: none }
  return { ...told, level: 'info', greet: none, override: none }
}

const rsbuild2: PageBundler = {
  name: 'rsbuild',
  overlays: `[...document.querySelectorAll('rsbuild-error-overlay')].map((one) => one.shadowRoot.querySelector('.content').textContent)`,
  async start(app, petal) {
    const log: string[] = []
    let found: ReturnType<typeof observed>
    const rsbuild = await createRsbuild({
      cwd: app.root,
      config: {
        mode: 'development',
        customLogger: logTo(log) as never,
        plugins: [petalRsbuild(petal)],
        source: { entry: { index: './src/main.js' } },
        html: { tags: [{ tag: 'link', attrs: { rel: 'icon', href: 'data:,' } }] },
        server: { host: '127.0.0.1', printUrls: false },
        performance: { buildCache: false },
        tools: { rspack: { watchOptions: { aggregateTimeout: 20 } } },
      },
    })
    rsbuild.onAfterCreateCompiler(({ compiler }) => { found = observed(compiler) })
    const server = await rsbuild.createDevServer()
    const close = closing(() => server.close())
    const { port } = await server.listen()
    return { ...found!, log, origin: `http://127.0.0.1:${port}`, close }
  },
}

/** Those of webpack's kind; Vite's are in dev.ts. */
export const PAGE_BUNDLERS: readonly PageBundler[] = [webpack5, rspack2, rsbuild2]
