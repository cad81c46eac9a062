import { onTestFinished } from 'vitest'
import type * as Vite from 'vite'
import type { PetalOptions } from '../../src/index.ts'
import type { App } from './app.ts'
import { createLog, viteConfig } from './vite.ts'

export interface DevServer {
  readonly server: Vite.ViteDevServer
  readonly origin: string
  /** What the server told the browser: reloads, updates, errors. */
  readonly told: any[]
  /** As a module script asks, or as `fetch` does. */
  get(path: string, as?: 'script' | 'empty'): Promise<{ status: number; type: string | null; bytes: Buffer; text: string }>
}

/** Vite's dev server for an app, on a free port of the loopback; closed when the test is over. */
export async function startDev(vite: typeof Vite, app: App, root: string = app.root, petal: PetalOptions = {}): Promise<DevServer> {
  const { logger } = createLog(vite)
  const config = viteConfig(app, { petal }, logger)
  const server = await vite.createServer({
    ...config, root, server: { host: '127.0.0.1', port: 0, watch: { usePolling: false } }, optimizeDeps: { noDiscovery: true, include: [] },
  })
  onTestFinished(() => server.close())
  const told: any[] = []
  const { hot } = server.environments.client
  const send = hot.send.bind(hot) as (...message: any[]) => void
  hot.send = (...message: any[]): void => {
    told.push(message[0])
    send(...message)
  }
  await server.listen()
  const origin = `http://127.0.0.1:${(server.httpServer!.address() as { port: number }).port}`
  return {
    server,
    origin,
    told,
    async get(path, as = 'script') {
      const response = await fetch(origin + path, { headers: { 'sec-fetch-dest': as, accept: '*/*' } })
      const bytes = Buffer.from(await response.arrayBuffer())
      return { status: response.status, type: response.headers.get('content-type'), bytes, text: bytes.toString() }
    },
  }
}

/** Waits until `check` gives something. */
export async function eventually<T>(check: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await check()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it never happened')
}
