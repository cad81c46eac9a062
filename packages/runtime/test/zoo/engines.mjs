// The engines that the zoo runs in: Node in a process of its own, Chromium, WebKitGTK. Each gives { run(folder, kinds), close() }.
import { fork } from 'node:child_process'
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { startWebKit } from './webkit.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' }
const PAGE = `<!doctype html><meta charset=utf-8><title>zoo</title><script type=module>
  import { loadModel } from '/runtime/index.js'
  import { runCase } from '/zoo/case.mjs'
  window.run = (engine, name, kinds) => runCase(loadModel, { engine, kinds, read: async (file) => {
    const response = await fetch('/cases/' + encodeURIComponent(name) + '/' + file)
    if (!response.ok) throw new Error(file + ': HTTP ' + response.status)
    return response.arrayBuffer()
  } })
  window.ready = true
</script>`

/** @returns {Record<string, (options: { dist: string, folder: string }) => Promise<{ run: Function, close: Function }>>} */
export const ENGINES = { node: startNode, chromium: inBrowser('chromium', startChromium), webkit: inBrowser('webkit', startWebKit) }

async function startNode({ dist }) {
  const child = fork(join(here, 'node-engine.mjs'), [dist], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  return {
    run: (folder, kinds) => new Promise((done, fail) => {
      const ended = (code, signal) => fail(new Error(`the process ended with ${signal ?? `exit code ${code}`}`))
      child.once('exit', ended)
      child.once('message', ({ rows, error }) => {
        child.off('exit', ended)
        if (error) fail(new Error(error))
        else done(rows)
      })
      child.send({ folder, kinds })
    }),
    close: () => { child.kill() },
  }
}

async function startChromium() {
  const browser = await chromium.launch({
    executablePath: process.env.PETAL_CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  })
  const page = await browser.newPage()
  page.setDefaultTimeout(900_000)
  return { open: (url) => page.goto(url), call: (expression) => page.evaluate(expression), close: () => browser.close() }
}

/** A browser that { open(url), call(expression), close() } drives, on a page of its own for each case so that its memory is given back. */
function inBrowser(engine, start) {
  return async ({ dist, folder }) => {
    const server = createServer((request, response) => answer({ runtime: dist, zoo: here, cases: folder }, request, response))
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
    const address = `http://127.0.0.1:${server.address().port}/`
    const browser = await start()
    return {
      async run(caseFolder, kinds) {
        await browser.open(address)
        await browser.call('new Promise((done) => { const ask = () => window.ready ? done(true) : setTimeout(ask, 5); ask() })')
        return browser.call(`window.run(${JSON.stringify(engine)}, ${JSON.stringify(basename(caseFolder))}, ${JSON.stringify(kinds)})`)
      },
      async close() {
        server.closeAllConnections()
        server.close()
        await browser.close()
      },
    }
  }
}

function answer(roots, request, response) {
  const [place, ...rest] = new URL(request.url, 'http://localhost').pathname.slice(1).split('/').map(decodeURIComponent)
  if (place === '') return response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE)
  const file = roots[place] && !rest.includes('..') ? join(roots[place], ...rest) : undefined
  const stat = file && statSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-length': stat.size })
  createReadStream(file).pipe(response)
}
