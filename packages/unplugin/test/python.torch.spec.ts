/** What every bundler does with Python sources: watching, warm builds, errors, reproducible output. */
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type App, installRuntime } from './support/app.ts'
import { ADAPTERS, type BuildSettings, modelsOf, type Output, type Watching } from './support/bundler.ts'
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

/** An environment with the PyTorch of `executable`, whose Python notes whenever it starts. */
async function countingPython(app: App): Promise<{ settings: BuildSettings; starts(): Promise<number> }> {
  const [folder, log] = [app.path('python'), app.path('starts.log')]
  execFileSync(executable, ['-m', 'venv', '--without-pip', folder])
  const ask = (python: string, code: string): string => execFileSync(python, ['-c', code], { encoding: 'utf8' }).trim()
  const torch = ask(executable, 'import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec("torch").origin).parent.parent)')
  const site = ask(join(folder, 'bin/python'), 'import sysconfig; print(sysconfig.get_path("purelib"))')
  // Lines of a .pth file that start with "import" are run at each start, some of them twice.
  await writeFile(join(site, 'count.pth'), `${torch}\nimport os; open(${JSON.stringify(log)}, "a").write(f"{os.getpid()}\\n")\n`)
  return {
    settings: { petal: { python: { path: folder } } },
    starts: async () => new Set((await readFile(log, 'utf8').catch(() => '')).split('\n').filter(Boolean)).size,
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
  describe.each(ADAPTERS)('$name: Python sources', ({ build, watch }) => {
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

    it('are converted in one process, and the next build starts no Python', async () => {
      const names = Array.from({ length: 10 }, (_, n) => `net${n}`)
      const app = await pythonApp(`
        ${names.map((name) => `import ${name} from './${name}.py?mobile&convert=script'`).join('\n')}
        globalThis.result = [${names.join()}].map((model) => model.source.name)`, [], { 'src/layers.py': layers(2) })
      for (const [n, name] of names.entries()) {
        const noting = `import os\nopen(${JSON.stringify(app.path('processes.log'))}, "a").write(f"{os.getpid()}\\n")\n`
        await app.write(`src/${name}.py`, noting + NET.replace('4, 3', `4, ${n + 1}`))
      }
      const { settings: counting, starts } = await countingPython(app)
      const before = await starts()
      const cold = await build(app, counting)
      expect(await cold.run()).toEqual(names.map((name) => `${name}.py`))
      const processes = (await app.read('processes.log')).toString().split('\n').filter(Boolean)
      expect(processes).toHaveLength(10)
      expect(new Set(processes).size).toBe(1)
      // One to ask it for its PyTorch, one to convert.
      const started = await starts()
      expect(started - before).toBeLessThanOrEqual(2)

      const warm = await build(app, counting)
      expect(await starts()).toBe(started)
      expect((await app.read('processes.log')).toString().split('\n').filter(Boolean)).toHaveLength(10)
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
      const [here, there] = [await netApp(MAIN, 'some/folder'), await netApp(MAIN, 'other/place of it')]
      for (const app of [here, there]) await installRuntime(app)
      const [one, two] = [await build(here, settings), await build(there, settings)]
      expect(modelsOf(one)).toHaveLength(1)
      expect(two.files).toEqual(one.files)
      expect(Object.entries(one.files).filter(([, text]) => text.includes(here.root)).map(([name]) => name)).toEqual([])
    })

    it('say the same to a server', async () => {
      const app = await netApp()
      const server = await build(app, { ...settings, ssr: true })
      const rendered = JSON.stringify(await server.run())
      expect(rendered).toBe(JSON.stringify(await (await build(app, settings)).run()))
    })
  })

  it('the same bytes come from all bundlers', async () => {
    const shipped = await Promise.all(ADAPTERS.map(async ({ build }) => {
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
      expect([before.status, before.text]).toEqual([200, expect.stringContaining('createHandle(url, ')])
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
