import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { candidates } from './find/candidates.ts'
import type { Pin } from './pins.ts'
import { setUp, type SetupOptions, type SetupResult } from './setup.ts'

/** The real program behind a name: a shim would look for its own configuration. */
function real(name: string, script: string): string | undefined {
  const { status, stdout } = spawnSync(name, ['-c', script], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}
const PYTHON = ['python3', 'python'].map((name) => real(name, 'import ensurepip, venv, sys; print(sys.executable)')).find((path) => path)
const UV = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'uv')).find((path) => existsSync(path))
if (PYTHON === undefined) process.stderr.write('No Python with venv: the specs of `petal setup` are SKIPPED.\n')
if (UV === undefined) process.stderr.write('No uv on the PATH: the spec of `petal setup` with it is SKIPPED.\n')

let top: string
let folder: string
let steps: string[]
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'petal-setup-'))
  folder = join(top, 'app')
  mkdirSync(join(top, 'bin'))
  mkdirSync(folder)
  steps = []
})
afterEach(() => { rmSync(top, { recursive: true, force: true }) })

/** A wheel of a package `petal-probe`, made here, so that nothing is downloaded. */
function makeWheel(version: string): void {
  const wheels = join(top, 'wheels')
  mkdirSync(wheels, { recursive: true })
  const script = `
import sys, zipfile
folder, version = sys.argv[1:]
info = "petal_probe-%s.dist-info/" % version
with zipfile.ZipFile("%s/petal_probe-%s-py3-none-any.whl" % (folder, version), "w") as wheel:
    wheel.writestr("petal_probe.py", "version = %r\\n" % version)
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: petal-probe\\nVersion: %s\\n" % version)
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: petal\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "petal_probe.py,,\\n%sMETADATA,,\\n%sWHEEL,,\\n%sRECORD,,\\n" % (info, info, info))
`
  expect(spawnSync(PYTHON!, ['-c', script, wheels, version]).status).toBe(0)
}

/** What is on the PATH: programs by name. */
function onPath(programs: Readonly<Record<string, string>>): SetupOptions['env'] {
  for (const [name, target] of Object.entries(programs)) symlinkSync(target, join(top, 'bin', name))
  const wheels = join(top, 'wheels')
  const offline = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, UV_NO_INDEX: '1', UV_FIND_LINKS: wheels, UV_OFFLINE: '1' }
  return { HOME: top, PATH: join(top, 'bin'), ...offline }
}

const pins = (...requirements: string[]): Pin[] => [{ from: 8, to: 30, torch: '', requirements }]

const run = (env: SetupOptions['env'], options: Partial<SetupOptions> = {}): Promise<SetupResult> => setUp({
  folder, env, pins: pins('petal-probe==1.0'), verify: async () => {}, onStep: (text) => steps.push(text), onOutput: () => {}, ...options,
})

const isCandidate = (): boolean => candidates({ root: folder, env: {} }).some(({ origin }) => origin === '.petal/python')

const tools = ([['venv', PYTHON], ['uv', UV]] as const).filter(([, path]) => path !== undefined)
describe.skipIf(PYTHON === undefined)('petal setup', () => {
  it.skipIf(process.platform === 'win32').each(tools)('makes an environment with %s, once', async (_, path) => {
    const env = onPath(path === UV ? { uv: UV!, python3: PYTHON! } : { python3: PYTHON! })
    // What a run left that was ended half-way.
    mkdirSync(join(folder, '.petal/python/bin'), { recursive: true })
    writeFileSync(join(folder, '.petal/python/bin/python'), 'half a file')
    await expect(run(env)).rejects.toMatchObject({ code: 'SETUP_FAILED', message: expect.stringMatching(/petal[-_]probe==1\.0/) })
    expect(isCandidate()).toBe(false)

    makeWheel('1.0')
    const states: boolean[] = []
    const verify = async (python: string): Promise<void> => {
      states.push(isCandidate())
      expect(real(python, 'import petal_probe, sys; print(petal_probe.version, sys.prefix != sys.base_prefix)')).toBe('1.0 True')
    }
    const made = await run(env, { verify })
    expect(made).toEqual({ python: join(folder, '.petal/python/bin/python'), wasThere: false, requirements: ['petal-probe==1.0'] })
    expect([states, isCandidate()]).toEqual([[false], true])
    expect(readFileSync(join(folder, '.petal/.gitignore'), 'utf8')).toBe('*\n')

    steps.length = 0
    const nothing = { PATH: '/nowhere' }
    expect(await run(nothing, { verify })).toEqual({ ...made, wasThere: true })
    expect([steps, states]).toEqual([[], [false]])
    // Another Petal pins another release; somebody removed the package by hand. What is there stays where nothing can make it anew.
    await expect(run(nothing, { pins: pins('petal-probe==2.0') })).rejects.toMatchObject({ code: 'NO_PYTHON' })
    const site = dirname(real(made.python, 'import petal_probe; print(petal_probe.__file__)')!)
    rmSync(join(site, 'petal_probe-1.0.dist-info'), { recursive: true })
    await expect(run(nothing)).rejects.toMatchObject({ code: 'NO_PYTHON' })
    expect(isCandidate()).toBe(true)
  }, 120_000)

  it.skipIf(UV === undefined)('replaces an environment that is not what is wanted', async () => {
    makeWheel('1.0')
    makeWheel('2.0')
    const env = onPath({ uv: UV!, python3: PYTHON! })
    await expect(run(env, { verify: async () => { throw new Error('does not do') } })).rejects.toThrow('does not do')
    expect(isCandidate()).toBe(false)
    expect(await run(env)).toMatchObject({ wasThere: false })
    expect(await run(env, { pins: pins('petal-probe==2.0') })).toMatchObject({ wasThere: false, requirements: ['petal-probe==2.0'] })
    expect(real(join(folder, '.petal/python/bin/python'), 'import petal_probe; print(petal_probe.version)')).toBe('2.0')
  }, 120_000)

  it('needs a Python', async () => {
    await expect(run({ PATH: '/nowhere' })).rejects.toMatchObject({ code: 'NO_PYTHON', message: expect.stringContaining('Install uv') })
  })

  it.skipIf(process.platform === 'win32')('needs a Python that the package has wheels for', async () => {
    const version = real(PYTHON!, 'import platform; print(platform.python_version())')!
    const refused = run(onPath({ python3: PYTHON! }), { pins: [{ from: 2, to: 3, torch: '', requirements: [] }] })
    await expect(refused).rejects.toMatchObject({ code: 'NO_PYTHON', message: expect.stringContaining(`is Python ${version}`) })
    await expect(refused).rejects.toThrow('No Python 3.2 to 3.3 was found')
  })

  it.skipIf(process.platform === 'win32')('needs a folder to write to', async () => {
    const env = onPath({ python3: PYTHON! })
    writeFileSync(join(folder, '.petal'), '')
    await expect(run(env)).rejects.toMatchObject({ code: 'NOT_WRITABLE' })
    await expect(run(env, { folder: join(folder, '.petal') })).rejects.toMatchObject({ code: 'NO_FOLDER' })
    await expect(run(env, { folder: join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'NO_FOLDER' })
  })
})
