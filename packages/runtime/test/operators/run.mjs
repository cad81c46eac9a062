// Compares operators of the runtime with PyTorch's, from the sources as they are:
//   node packages/runtime/test/operators/run.mjs [--only 'aten::softmax*']... [--count 300] [--show 3] [--all] [--python /usr/bin/python3]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createViteServer } from 'vitest/node'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    count: { type: 'string', default: '300' },
    show: { type: 'string', default: '3' },
    all: { type: 'boolean', default: false },
    python: { type: 'string', default: process.env.PETAL_PYTHON || '/usr/bin/python3' },
  },
})
const root = fileURLToPath(new URL('../../', import.meta.url))
const kernels = spawnSync(process.execPath, ['kernels/build.mjs'], { cwd: root, encoding: 'utf8' })
if (kernels.status !== 0) console.log(`BROKEN kernels: ${kernels.stderr.split('\n').find((line) => line.includes('Error')) ?? kernels.stderr}`)

const server = await createViteServer({
  root, configFile: false, logLevel: 'error', appType: 'custom', optimizeDeps: { noDiscovery: true, include: [] },
  server: { middlewareMode: true, watch: null, hmr: false, ws: false },
})
try {
  const { main } = await server.ssrLoadModule('/test/operators/cli.ts')
  const failing = await main({ ...values, count: Number(values.count), show: Number(values.show) })
  process.exitCode = failing > 0 ? 1 : 0
} finally {
  await server.close()
}
