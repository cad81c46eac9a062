import { spawnSync } from 'node:child_process'
import {
  chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PetalError } from '../../errors.ts'
import { createPyTorch, type PyTorchOptions } from '../create.ts'
import type { ConversionJob, EngineIdentity } from '../engine.ts'
import { folderHash } from './poetry.ts'

let top: string
let root: string
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'petal-find-')))
  root = join(top, 'app')
  mkdirSync(join(root, '.git'), { recursive: true })
})
afterEach(() => { rmSync(top, { recursive: true, force: true }) })

interface Fake {
  readonly torch?: string
  readonly python?: string
  readonly hasJit?: boolean
}

/** An executable that answers as a Python would, and counts its starts; with the files of a PyTorch beside it. */
function fake(executable: string, { torch, python = '3.11.2', hasJit = true }: Fake = {}): void {
  const site = join(dirname(dirname(executable)), 'lib/site-packages')
  const home = join(site, 'torch')
  mkdirSync(dirname(executable), { recursive: true })
  mkdirSync(site, { recursive: true })
  if (torch !== undefined) {
    mkdirSync(join(home, 'jit'), { recursive: true })
    writeFileSync(join(home, 'version.py'), `from typing import Optional\n__all__ = ['__version__']\n__version__ = '${torch}'\n`)
    if (hasJit) writeFileSync(join(home, 'jit/__init__.py'), '')
  }
  const answer = { petal: 1, executable, python, origin: torch === undefined ? null : join(home, '__init__.py'), sites: [site] }
  writeFileSync(executable, `#!/bin/sh\necho start >> '${executable}.starts'\necho 'Welcome'\necho '${JSON.stringify(answer)}'\n`)
  chmodSync(executable, 0o755)
}

function starts(executable: string): number {
  try {
    return readFileSync(`${executable}.starts`, 'utf8').split('\n').length - 1
  } catch {
    return 0
  }
}

function identify(options: Partial<PyTorchOptions> = {}): Promise<EngineIdentity | undefined> {
  return createPyTorch({ root, env: {}, ...options }).identify()
}

async function refusal(options: Partial<PyTorchOptions> = {}): Promise<PetalError> {
  const engine = createPyTorch({ root, env: {}, ...options })
  expect(await engine.identify()).toBeUndefined()
  return await engine.convert({} as ConversionJob).then(() => { throw new Error('converted') }, (error: PetalError) => error)
}

// Fakes are shell scripts.
describe.skipIf(process.platform === 'win32')('finding PyTorch', () => {
  it('takes them in order, and the first that has PyTorch', async () => {
    const path = join(top, 'bin')
    const places = {
      '2.1.0': join(top, 'active/bin/python'), '2.2.0': join(top, 'conda/bin/python'),
      '2.3.0': join(root, 'packages/web/.petal/python/bin/python'), '2.4.0': join(root, 'packages/web/.venv/bin/python'),
      '2.5.0': join(root, 'venv/bin/python'), '2.6.0': join(root, '.conda/bin/python'),
      '2.7.0': join(root, '.uv-env/bin/python'), '2.8.0': join(path, 'python3'), '2.9.0': join(path, 'python'),
    }
    writeFileSync(join(root, 'pyproject.toml'), '[project]\nname = "x"\n')
    // Above the repository's top: somebody else's.
    fake(join(top, '.venv/bin/python'), { torch: '9.9.9' })
    const env = { VIRTUAL_ENV: join(top, 'active'), CONDA_PREFIX: join(top, 'conda'), UV_PROJECT_ENVIRONMENT: '.uv-env', PATH: path }
    const found: (string | undefined)[] = []
    for (const [torch, executable] of Object.entries(places)) fake(executable, { torch })
    // Without it, somebody ended `petal setup` half-way.
    const stamp = join(root, 'packages/web/.petal/python/petal.json')
    for (const executable of Object.values(places)) {
      found.push((await identify({ root: join(root, 'packages/web'), env }))?.torch)
      fake(executable)
      rmSync(join(dirname(dirname(executable)), 'lib/site-packages/torch'), { recursive: true, force: true })
      if (dirname(executable) === path) rmSync(executable)
      if (found.length === 2) {
        expect((await identify({ root: join(root, 'packages/web'), env }))?.torch).toBe('2.4.0')
        writeFileSync(stamp, '{}')
      }
    }
    // The two on the PATH share a folder, and with it the fake's PyTorch.
    expect(found).toEqual(['2.1.0', '2.2.0', '2.3.0', '2.4.0', '2.5.0', '2.6.0', '2.7.0', '2.9.0', undefined])
    expect(await identify({ root: join(root, 'packages/web'), env })).toBeUndefined()
  })

  it('takes a named one and no other', async () => {
    const named = join(top, 'named/bin/python')
    fake(join(root, '.venv/bin/python'), { torch: '2.6.0' })
    fake(named, { torch: '2.1.0', python: '3.9.1' })
    for (const python of [named, join(top, 'named'), '../named', '../named/bin/python']) {
      expect(await identify({ python })).toMatchObject({ torch: '2.1.0', python: '3.9.1' })
      expect(await identify({ env: { PETAL_PYTHON: python } })).toMatchObject({ torch: '2.1.0' })
    }
    const env = { PATH: ['/nowhere', dirname(named)].join(delimiter), PETAL_PYTHON: '/nowhere' }
    expect(await identify({ python: 'python', env })).toMatchObject({ torch: '2.1.0' })
    const bare = join(top, 'bare/bin/python')
    fake(bare)
    const option = await refusal({ python: bare })
    expect(option.code).toBe('NO_PYTORCH')
    expect(option.what).toBe(`${bare}, which the option "python" names, is Python 3.11.2 without PyTorch.`)
    const variable = await refusal({ env: { PETAL_PYTHON: '/nowhere/python' } })
    expect(variable.what).toContain('/nowhere/python, which PETAL_PYTHON names, is no usable Python')
  })

  it('says what it looked at and how to get PyTorch', async () => {
    fake(join(root, '.venv/bin/python'), { python: '3.12.1' })
    const { code, message } = await refusal()
    expect(code).toBe('NO_PYTORCH')
    expect(message).toContain(`${join(root, '.venv/bin/python')} (.venv): Python 3.12.1, no PyTorch`)
    for (const hint of ['npx -p @petaljs/core petal setup', 'pip install torch==', 'PETAL_PYTHON']) expect(message).toContain(hint)
    expect(message).toContain(`${join(root, '.venv/bin/python')} -m pip install torch==`)
    fake(join(root, '.venv/bin/python'), { python: '3.7.1' })
    expect((await refusal()).message).toMatch(/torch==\S+.*" with a Python 3\.\d+ to 3\.\d+/)
    rmSync(join(root, '.venv'), { recursive: true })
    expect((await refusal()).message).toContain('there is none')
  })

  it.each([
    [{ torch: '1.12.1' }, 'its PyTorch 1.12.1 is older than 1.13'],
    [{ torch: '3.0.0', hasJit: false }, 'its PyTorch 3.0.0 has dropped torch.jit'],
    [{ torch: '1.13.0', python: '3.7.9' }, 'its Python 3.7.9 is older than 3.8'],
  ])('refuses %j, unless another can', async (answer, problem) => {
    fake(join(root, '.venv/bin/python'), answer)
    const { code, message } = await refusal()
    expect(code).toBe('UNSUPPORTED_PYTORCH')
    expect(message).toContain(problem)
    expect(message).toContain('install torch==')
    fake(join(root, 'venv/bin/python'), { torch: '1.13.0a0' })
    expect(await identify()).toMatchObject({ torch: '1.13.0a0' })
  })

  it('looks past what is no Python', async () => {
    const broken = join(root, '.venv/bin/python')
    mkdirSync(dirname(broken), { recursive: true })
    writeFileSync(broken, '#!/bin/sh\necho "cannot find libpython" >&2\nexit 9\n')
    chmodSync(broken, 0o755)
    expect((await refusal()).message).toContain('no usable Python: cannot find libpython')
    rmSync(broken)
    symlinkSync('/nowhere/python', broken)
    expect((await refusal()).message).toContain('there is none')
    fake(join(root, 'venv/bin/python'), { torch: '2.6.0' })
    expect(await identify()).toMatchObject({ torch: '2.6.0' })
  })

  it('starts nothing that it remembers', async () => {
    const python = join(root, '.venv/bin/python')
    const version = join(root, '.venv/lib/site-packages/torch/version.py')
    const memo = join(top, 'memo')
    fake(python, { torch: '2.6.0' })
    for (let again = 0; again < 3; again++) expect(await identify({ memo })).toMatchObject({ torch: '2.6.0', python: '3.11.2' })
    expect(starts(python)).toBe(1)
    expect(readdirSync(memo)).toHaveLength(1)
    // Another PyTorch, other packages, another environment, another interpreter.
    const changes: (() => void)[] = [
      () => { writeFileSync(version, '__version__ = "2.15.0+cpu"\n') },
      () => { mkdirSync(join(root, '.venv/lib/site-packages/six-1.0.dist-info')) },
      () => { writeFileSync(join(root, '.venv/pyvenv.cfg'), 'home = /\n') }, () => { utimesSync(python, 1, 1) },
    ]
    for (const [number, change] of changes.entries()) {
      change()
      expect(await identify({ memo })).toMatchObject({ torch: '2.15.0+cpu' })
      expect(await identify({ memo })).toMatchObject({ torch: '2.15.0+cpu' })
      expect(starts(python)).toBe(2 + number)
    }
    for (const name of readdirSync(memo)) writeFileSync(join(memo, name), 'torn {')
    expect(await identify({ memo })).toMatchObject({ torch: '2.15.0+cpu' })
    writeFileSync(join(top, 'file'), '')
    expect(await identify({ memo: join(top, 'file/memo') })).toMatchObject({ torch: '2.15.0+cpu' })
  })

  it('knows the versions of packages by their folders', async () => {
    fake(join(root, '.venv/bin/python'), { torch: '2.6.0' })
    const site = join(root, '.venv/lib/site-packages')
    const names = ['torchvision-0.21.0+cpu.dist-info', 'ruamel.yaml-0.18.6.dist-info', 'my_pkg-1.0rc1-py3.11.egg-info', 'PyYAML-6.egg-info']
    for (const name of names) mkdirSync(join(site, name))
    const engine = createPyTorch({ root, env: {} })
    const identity = (await engine.identify())!
    const asked = ['TorchVision', 'ruamel-yaml', 'My.Pkg', 'pyyaml', 'torch', '../x']
    const versions = await Promise.all(asked.map((name) => identity.packageVersion(name)))
    expect(versions).toEqual(['0.21.0+cpu', '0.18.6', '1.0rc1', '6', undefined, undefined])
  })

  it('finds Poetry\'s environment for the project', async () => {
    // `hashlib.sha256(b"/usr").digest()`, as Poetry shortens it.
    expect(folderHash('/usr')).toBe(spawnHash('/usr'))
    const env = { POETRY_CACHE_DIR: join(top, 'poetry') }
    const place = (minor: number): string => join(top, `poetry/virtualenvs/my-app-${folderHash(root)}-py3.${minor}/bin/python`)
    fake(place(9), { torch: '2.1.0' })
    fake(place(11), { torch: '2.2.0' })
    writeFileSync(join(root, 'pyproject.toml'), '[project]\nname = "my-app"\n')
    expect(await identify({ env })).toBeUndefined()
    writeFileSync(join(root, 'pyproject.toml'), '[tool.poetry]\nname = "my-app"\n')
    expect(await identify({ env })).toMatchObject({ torch: '2.2.0' })
  })
})

function spawnHash(path: string): string {
  const { stdout } = spawnSync('openssl', ['dgst', '-sha256', '-binary'], { input: realpathSync(path) })
  return stdout.toString('base64').slice(0, 8).replaceAll('+', '-').replaceAll('/', '_')
}

const PYTHON = ['python3', 'python'].find((name) => spawnSync(name, ['-c', 'import venv']).status === 0)
if (PYTHON === undefined) process.stderr.write('No Python: the spec of a real virtual environment is SKIPPED.\n')

it.skipIf(PYTHON === undefined)('asks a real virtual environment', async () => {
  const environment = join(root, '.venv')
  expect(spawnSync(PYTHON!, ['-m', 'venv', '--without-pip', environment]).status).toBe(0)
  const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  const question = 'import sys, sysconfig; print(sys.version.split()[0]); print(sysconfig.get_paths()["purelib"])'
  const { stdout } = spawnSync(python, ['-c', question], { encoding: 'utf8' })
  const [version, site] = stdout.trim().split(/\r?\n/)
  // A module beside the app must not be taken for PyTorch, nor be run.
  writeFileSync(join(root, 'torch.py'), 'raise SystemExit(1)\n')
  writeFileSync(join(root, 'json.py'), 'raise SystemExit(1)\n')
  // A variable of another Python's must not lead this one away.
  const env = { PYTHONHOME: '/nowhere', PATH: process.env['PATH'] }
  expect((await refusal({ python: environment, env })).message).toContain(`is Python ${version} without PyTorch`)
  mkdirSync(join(site!, 'torch/jit'), { recursive: true })
  writeFileSync(join(site!, 'torch/__init__.py'), 'raise RuntimeError("imported")\n')
  writeFileSync(join(site!, 'torch/jit/__init__.py'), '')
  writeFileSync(join(site!, 'torch/version.py'), '__version__ = \'2.6.0+cpu\'\n')
  mkdirSync(join(site!, 'numpy-2.1.0.dist-info'))
  const identity = await identify({ env, python: environment })
  expect(identity).toMatchObject({ torch: '2.6.0+cpu', python: version })
  expect(await identity!.packageVersion('numpy')).toBe('2.1.0')
}, 30_000)
