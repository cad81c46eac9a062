import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

/** Answers a request for one path. */
export type Route = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>

/** A web server of a test. */
export interface TestServer {
  readonly origin: string
  readonly port: number
  /** Takes precedence over files; may be changed at any time. */
  readonly routes: Map<string, Route>
  /** Paths that were asked for, in order. */
  readonly requests: string[]
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.ptl': 'application/octet-stream', '.css': 'text/css' }

/** Serves folders, by the first part of the path, and routes. What is not there is answered with 404. */
export async function startServer(folders: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const routes = new Map<string, Route>()
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://localhost').pathname
    requests.push(path)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const route = routes.get(path)
    if (route) {
      void route(response, request)
      return
    }
    const folder = Object.keys(folders).filter((prefix) => path.startsWith(prefix)).toSorted((a, b) => b.length - a.length)[0]
    try {
      const content = readFileSync(join(folders[folder!]!, normalize(path.slice(folder!.length) || 'index.html')))
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/html', 'cache-control': 'no-store' })
      response.end(content)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((listening) => { server.listen(0, '127.0.0.1', listening) })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`, port, routes, requests,
    close: () => new Promise((closed) => { server.closeAllConnections(); server.close(() => closed()) }),
  }
}

/** Sends a file whole. */
export function whole(content: Uint8Array, type: string = 'application/octet-stream'): Route {
  return (response) => { response.writeHead(200, { 'content-type': type, 'content-length': content.length }).end(content) }
}

/** Sends a file in pieces, each when the test says `go`. */
export function inPieces(content: Uint8Array, count: number): { readonly route: Route; go(pieces?: number): void } {
  const gates = Array.from({ length: count }, () => gate())
  const size = Math.ceil(content.length / count)
  let opened = 0
  return {
    go(pieces = count) {
      for (const { resolve } of gates.slice(opened, opened += pieces)) resolve()
    },
    async route(response) {
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': content.length })
      response.flushHeaders()
      for (const [i, { promise }] of gates.entries()) {
        await promise
        response.write(content.subarray(i * size, (i + 1) * size))
      }
      response.end()
    },
  }
}

function gate(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void
  const promise = new Promise<void>((settle) => { resolve = settle })
  return { promise, resolve }
}
