// One build, or one start of a dev server, of an app that bench/build.mjs has made; prints milliseconds since the process began.
//
//   node once.mjs build|dev <folder> mobile|url
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [task, root, imports] = process.argv.slice(2)
const unplugin = new URL('../../packages/unplugin/', import.meta.url)
const { build, createServer } = await import(pathToFileURL(createRequire(unplugin).resolve('vite')).href.replace(/index\.cjs$/, 'dist/node/index.js'))
const plugins = imports.startsWith('url') ? [] : [(await import(new URL('dist/vite.js', unplugin).href)).default()]
const config = { root, configFile: false, plugins, logLevel: process.env.BENCH_LOG ?? 'error', build: { emptyOutDir: true } }

if (task === 'build') {
  await build(config)
  console.log(JSON.stringify({ done: performance.now() }))
} else {
  const server = await createServer({ ...config, server: { host: '127.0.0.1', port: 0, fs: { strict: false } }, optimizeDeps: { noDiscovery: true, include: [] } })
  await server.listen()
  const origin = `http://127.0.0.1:${server.httpServer.address().port}`
  const get = async (path) => {
    const response = await fetch(origin + path, { headers: { 'sec-fetch-dest': 'script' } })
    if (!response.ok) throw new Error(`${response.status} for ${path}`)
    return await response.text()
  }
  const main = await get('/src/main.js')
  const first = performance.now()
  const models = [...main.matchAll(/from "([^"]*\/net\d\.(?:ptl|js)[^"]*)"/g)].map(([, path]) => path)
  if (models.length !== 5) throw new Error(`the page imports ${models.length} models`)
  await Promise.all(models.map(get))
  console.log(JSON.stringify({ first, done: performance.now() }))
  process.exit()
}
