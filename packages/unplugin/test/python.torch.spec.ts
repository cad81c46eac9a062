/** What every bundler does with Python sources: watching, warm builds, errors, reproducible output. */
import { execFileSync } from 'node:child_process'
import { chmod, readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { App } from './support/app.ts'
import { BUNDLERS, type BuildSettings, modelsOf, type Output, type Watching } from './support/bundler.ts'
import { eventually, startDev } from './support/dev.ts'
import { pythonApp, torchPythons } from './support/python.ts'
import { VITES } from './support/vite.ts'

const NET = `\
import torch

from layers import Scale


def model():
    return torch.nn.Sequential(torch.nn.Linear(4, 3), Scale())
`

const layers = (factor: number): string => `\
import torch


class Scale(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * ${factor}
`

const MAIN = `import net from './net.py?mobile&convert=script'\nglobalThis.result = net`

const netApp = (main: string = MAIN, inside?: string): Promise<App> =>
  pythonApp(main, [], { 'src/net.py': NET, 'src/layers.py': layers(2) }, inside)

/** A Python that writes a line to a file whenever it starts, with what it is given. */
async function countingPython(app: App, executable: string): Promise<{ settings: BuildSettings; starts(): Promise<string[]> }> {
  const log = app.path('starts.log')
  await app.write('python', `#!/bin/sh\necho "$@" | tr '\\n' ' ' >> '${log}'\necho >> '${log}'\nexec '${executable}' "$@"\n`)
  await chmod(app.path('python'), 0o755)
  return {
    settings: { petal: { python: { path: app.path('python') } } },
    starts: async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').filter(Boolean),
  }
}

/** Waits for a build that is as wanted: bundlers may build more often than files change. */
async function until<T>(watching: Watching, wanted: (build: Promise<Output>) => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const state = await wanted(watching.next())
    if (state !== undefined) return state
  }
}

const builtWith = (watching: Watching, isWanted: (model: any) => boolean): Promise<any> => until(watching, (build) => build.then(async (output) => {
  const model = await output.run()
  return isWanted(model) ? model : undefined
}, () => undefined))

const failedWith = (watching: Watching, text: RegExp): Promise<string> =>
  until(watching, (build) => build.then(() => undefined, (error: Error) => (text.test(error.message) ? error.message : undefined)))

/** The newest PyTorch is enough here: what differs between releases is tested with the recipe. */
const { executable } = torchPythons.at(-1) ?? { executable: '' }
const settings: BuildSettings = { petal: { python: { path: executable } } }

describe.runIf(executable)('with PyTorch', () => {
  describe.each(BUNDLERS)('$name: Python sources', ({ build, watch }) => {
    it('are built again when a file that they import changes, or the weights, also out of an error', async () => {
      const app = await pythonApp(`import net from './net.py?mobile&convert=script&weights=./weights/net.pth'\nglobalThis.result = net`, [], {
        'src/net.py': NET, 'src/layers.py': layers(2),
      })
      await app.write('src/weights/net.pth', stateDict(2))
      const watching = await watch(app, settings)
      onTestFinished(() => watching.close())
      const first = await builtWith(watching, () => true)

      await app.write('src/layers.py', layers(3))
      const second = await builtWith(watching, ({ sha256 }) => sha256 !== first.sha256)

      await app.write('src/weights/net.pth', stateDict(3))
      const third = await builtWith(watching, ({ sha256 }) => sha256 !== second.sha256)
      expect(third.sha256).not.toBe(first.sha256)

      await app.write('src/layers.py', layers(3).replace('return x', 'retrun x'))
      expect(await failedWith(watching, /retrun/)).toMatch(/layers\.py:6/)

      await app.write('src/layers.py', layers(2))
      await app.write('src/weights/net.pth', stateDict(2))
      const mended = await builtWith(watching, ({ sha256 }) => sha256 === first.sha256)
      expect(mended.url).toBe(first.url)
    })

    it('start Python once for all models, and not at all in the next build', async () => {
      const names = Array.from({ length: 10 }, (_, n) => `net${n}`)
      const app = await pythonApp(`
        ${names.map((name) => `import ${name} from './${name}.py?mobile&convert=script'`).join('\n')}
        globalThis.result = [${names.join()}].map((model) => model.source.name)`, [], {
        'src/layers.py': layers(2), ...Object.fromEntries(names.map((name, n) => [`src/${name}.py`, NET.replace('4, 3', `4, ${n + 1}`)])),
      })
      const { settings: counting, starts } = await countingPython(app, executable)
      const cold = await build(app, counting)
      expect(await cold.run()).toEqual(names.map((name) => `${name}.py`))
      expect((await starts()).filter((line) => line.includes('main.py'))).toHaveLength(1)
      const before = await starts()

      const warm = await build(app, counting)
      expect(await starts()).toEqual(before)
      expect(warm.files).toEqual(cold.files)
      expect(warm.log).toMatch(/10 models, from the cache/)
    })

    it('need no PyTorch at all when they are stored', async () => {
      const app = await netApp()
      const cold = await build(app, settings)
      const warm = await build(app, { petal: { python: { path: '/bin/false' } } })
      expect(warm.files).toEqual(cold.files)
    })

    it('are converted again when their text changed, whatever the time of the file says', async () => {
      const app = await netApp()
      const first = await (await build(app, settings)).run()
      await app.write('src/layers.py', layers(5))
      const second = await (await build(app, settings)).run()
      expect(second.sha256).not.toBe(first.sha256)
      await app.write('src/layers.py', layers(2))
      expect((await (await build(app, settings)).run()).sha256).toBe(first.sha256)
    })

    it('fail at the import, with the line of Python', async () => {
      const app = await netApp(`// an app\n${MAIN}`)
      await app.write('src/layers.py', 'import torch\nraise ValueError("no such layer")\n')
      const message = await build(app, settings).then(() => 'it was built', (error: Error) => error.message)
      expect(message).toContain('no such layer')
      expect(message).toContain('layers.py:2')
      expect(message).toMatch(/main\.js:2/)
      expect(message).not.toContain('Traceback')
    })

    it('give the same names and bytes from two checkouts', async () => {
      const [here, there] = [await netApp(), await netApp(MAIN, 'some/other folder/deep')]
      const [one, two] = [await build(here, settings), await build(there, settings)]
      expect(modelsOf(one)).toHaveLength(1)
      expect(two.files).toEqual(one.files)
      expect(JSON.stringify(await one.run())).not.toContain(here.root)
    })

    it('say the same to a server, and emit nothing there', async () => {
      const app = await netApp()
      const onServer = await build(app, { ...settings, ssr: true })
      const inBrowser = await build(app, settings)
      expect(JSON.stringify(await onServer.run())).toBe(JSON.stringify(await inBrowser.run()))
    })
  })

  it('the same bytes come from all bundlers', async () => {
    const shipped = await Promise.all(BUNDLERS.map(async ({ build }) => {
      const app = await netApp()
      const output = await build(app, settings)
      return { sha256: (await output.run()).sha256, bytes: modelsOf(output).map((name) => output.files[name]!.toString('base64')) }
    }))
    for (const one of shipped) expect(one).toEqual(shipped[0])
  })

  describe.each(VITES)('%s: the dev server', (_, vite) => {
    const MODULE = '/src/net.py?mobile&convert=script&import'

    it('serves a model, and reloads when a file that it imports changes', async () => {
      const app = await netApp()
      const dev = await startDev(vite, app, app.root, settings.petal)
      await dev.get('/src/main.js')
      const before = await dev.get(MODULE)
      expect([before.status, before.text]).toEqual([200, expect.stringContaining('new PetalModel')])
      await app.write('src/layers.py', layers(3))
      await eventually(() => dev.told.find((message) => message.type === 'full-reload' || message.type === 'update'))
      await eventually(async () => (await dev.get(MODULE)).text !== before.text)
    })

    it('shows an error at the import, and forgets it when the imported file is mended', async () => {
      const app = await netApp(`// an app\n${MAIN}`)
      await app.write('src/layers.py', layers(2).replace('return x', 'return len(x.shape) and undefined_name'))
      const dev = await startDev(vite, app, app.root, settings.petal)
      await dev.get('/src/main.js')
      expect((await dev.get(MODULE)).status).toBe(500)
      const { err } = dev.told.find((message) => message.type === 'error')
      expect(err).toMatchObject({
        plugin: 'petal', loc: { file: app.path('src/main.js'), line: 2 }, message: expect.stringMatching(/undefined_name[^]*layers\.py:6/),
      })
      dev.told.length = 0
      await app.write('src/layers.py', layers(2))
      await eventually(() => dev.told.find((message) => message.type === 'full-reload'))
      await eventually(async () => (await dev.get(MODULE)).status === 200)
    })
  })
})

/** A state dict for `net.py`, whose weights are all one number. */
function stateDict(value: number): Buffer {
  const code = `import io, sys, torch; b = io.BytesIO()
torch.save({"0.weight": torch.full((3, 4), ${value}.0), "0.bias": torch.zeros(3)}, b); sys.stdout.buffer.write(b.getvalue())`
  return execFileSync(executable, ['-c', code])
}
