// The zoo in Node: a process for many cases, which a crash of one does not take with it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runCase } from './case.mjs'

const { loadModel } = await import(pathToFileURL(join(process.argv[2], 'index.js')).href)

async function read(file) {
  const { buffer, byteOffset, byteLength } = await readFile(file)
  return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)
}

process.on('message', async ({ folder, kinds }) => {
  try {
    process.send({ rows: await runCase(loadModel, { engine: 'node', kinds, read: (name) => read(join(folder, name)) }) })
  } catch (error) {
    process.send({ error: error.stack })
  }
})
