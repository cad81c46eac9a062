import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BAD_MODELS } from '../../test/support/bad-models.ts'
import { bundle } from '../../test/support/bundle.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures/build')

let code: string
beforeAll(async () => { code = await bundle({ cli: 'src/cli/main.ts', output: 'src/cli/output.ts' }) }, 30_000)
afterAll(async () => { await rm(code, { recursive: true, force: true }) })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-cli-'))
  for (const name of ['net.pt', 'net.ptl']) await copyFile(join(fixtures, name), join(folder, name))
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function petal(...args: string[]): Promise<Outcome> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [join(code, 'cli.js'), ...args], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } }, (error, out, err) => {
      resolve({ status: error ? Number(error.code) : 0, out, err })
    })
  })
}

const bytes = (name: string): Promise<Buffer> => readFile(join(folder, name))

describe('petal', () => {
  it('tells of its commands, options and exit codes', async () => {
    const [general, alone, one] = await Promise.all([petal('--help'), petal(), petal('optimize', '--help')])
    expect(general).toMatchObject({ status: 0, err: '' })
    expect(alone).toEqual(general)
    expect(general.out).toContain('petal optimize <model>')
    expect(general.out).toMatch(/3 {2}a file cannot be read or written/)
    expect(one.out).toContain('-o, --output <file>')
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
    expect((await petal('--version')).out).toBe(`${version}\n`)
  })

  it.each([
    [['optimise', 'net.pt'], 'petal has no command "optimise".', 'Did you mean "optimize"?'],
    [['zap'], 'petal has no command "zap".', 'Valid: optimize, inspect, prewarm, check, cache stats, '],
    [['optimize'], '"petal optimize" needs the model\'s file name.', '--help'],
    [['optimize', 'net.pt', 'other.pt'], '"other.pt" is one too many.', '--help'],
    [['optimize', 'net.pt', '--blok', 'x'], '"petal optimize" has no option "--blok".', 'Did you mean "--block"?'],
    [['optimize', 'net.pt', '-x'], '"petal optimize" has no option "-x".', 'Valid: --output'],
    [['inspect', 'net.pt', '--block', 'x'], '"petal inspect" has no option "--block".', 'Valid: --json, --help.'],
    [['optimize', 'net.pt', '-o'], 'The option "-o" needs a value: -o <file>.', '--help'],
    [['optimize', 'net.pt', '-o', 'a', '-o', 'b'], 'The option "--output" is given 2 times.', 'once'],
    [['optimize', 'net.pt', '--json=yes'], 'The option "--json" takes no value.', '--help'],
    [['optimize', 'net.pt', '--block', 'conv_bn'], '"conv_bn" is not a value', 'Did you mean "conv_bn_fusion"?'],
    [['optimize', 'net.pt', '--backend', 'opencl'], '"opencl" is not a value', 'Valid: cpu, vulkan, metal.'],
    [['doctor', 'a', 'b'], '"petal doctor" takes one folder; "b" is one too many.', '--help'],
    [['doctor', 'nowhere'], 'There is no folder ', 'Name the folder of the app.'],
    [['setup', 'nowhere'], 'There is no folder ', 'Name the folder of the app.'],
    [['optimize', 'net.pt', '--__proto__', 'x'], 'has no option "--__proto__"', 'Valid: '],
  ])('%j is not understood', async (args, message, hint) => {
    const { status, out, err } = await petal(...args)
    expect({ status, out }).toEqual({ status: 2, out: '' })
    expect(err).toContain(`error: `)
    expect(err).toContain(message)
    expect(err).toContain(hint)
    expect(err).not.toMatch(/\n\s+at /)
    expect((await readdir(folder)).toSorted()).toEqual(['net.pt', 'net.ptl'])
  })
})

describe('petal optimize', () => {
  it('compiles a model to a file beside it', async () => {
    await rm(join(folder, 'net.ptl'))
    const { status, out, err } = await petal('optimize', 'net.pt')
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out).toMatch(/^net\.ptl {2}[\d.]+ kB {2}from net\.pt, 13\.6 kB\n/)
    expect(out).toMatch(/conv_bn_fusion +1 place\n/)
    expect((await readdir(folder)).toSorted()).toEqual(['net.pt', 'net.ptl'])
    const inspected = JSON.parse((await petal('inspect', 'net.ptl', '--json')).out) as { facts: { inputs: unknown } }
    expect(inspected.facts.inputs).toMatchObject([{ name: 'image', type: 'Tensor' }])
  })

  it('gives the same bytes each time, and other bytes for another blocklist', async () => {
    const answers = await Promise.all([
      petal('optimize', 'net.pt', '-o', 'a.ptl', '--json'), petal('optimize', './net.pt', '--output=b.ptl', '--json'),
      petal('optimize', 'net.pt', '-o', 'c.ptl', '--json', '--block', 'conv_bn_fusion', '--block', 'REMOVE_DROPOUT'),
    ])
    type Answer = { sha256: string; facts: { optimizations: { name: string; blocked: boolean }[] } }
    const facts = answers.map(({ out }) => JSON.parse(out) as Answer)
    expect(await bytes('a.ptl')).toEqual(await bytes('b.ptl'))
    expect(facts[0]!.sha256).toBe(facts[1]!.sha256)
    expect(facts[2]!.sha256).not.toBe(facts[0]!.sha256)
    const blocked = facts[2]!.facts.optimizations.filter((one) => one.blocked).map((one) => one.name)
    expect(blocked.toSorted()).toEqual(['conv_bn_fusion', 'remove_dropout'])
  })

  it('copies a model that is compiled already', async () => {
    const { status, out } = await petal('optimize', 'net.ptl', '-o', 'copy.ptl')
    expect(status).toBe(0)
    expect(out).toContain('compiled already')
    expect(await bytes('copy.ptl')).toEqual(await bytes('net.ptl'))
  })

  it.each([
    ['itself', ['net.ptl'], 'OUTPUT_IS_INPUT', 2],
    ['itself by another path', ['net.pt', '-o', '../net.pt'], 'OUTPUT_IS_INPUT', 2],
    ['itself by a link', ['net.pt', '-o', 'hard'], 'OUTPUT_IS_INPUT', 2],
    ['itself by a symbolic link', ['net.pt', '-o', 'soft'], 'OUTPUT_IS_INPUT', 2],
    ['a directory', ['net.pt', '-o', 'out'], 'BAD_OUTPUT', 2],
    ['a device', ['net.pt', '-o', '/dev/null'], 'BAD_OUTPUT', 2],
    ['a folder that is not there', ['net.ptl', '-o', 'nowhere/net.ptl'], 'NOT_WRITABLE', 3],
    ['a path through a file', ['net.ptl', '-o', 'net.pt/net.ptl'], 'NOT_WRITABLE', 3],
  ])('does not write to %s', async (_, args, expected, status) => {
    await mkdir(join(folder, 'out'))
    await link(join(folder, 'net.pt'), join(folder, 'hard'))
    await symlink('net.pt', join(folder, 'soft'))
    const before = [await bytes('net.pt'), await bytes('net.ptl')]
    const given = args.map((arg) => arg.replace('..', `../${folder.split('/').at(-1)!}`))
    const outcome = await petal('optimize', ...given, '--json')
    expect(JSON.parse(outcome.out)).toMatchObject({ error: { code: expected } })
    expect(outcome).toMatchObject({ status, err: '' })
    expect([await bytes('net.pt'), await bytes('net.ptl')]).toEqual(before)
    expect((await readdir(folder)).toSorted()).toEqual(['hard', 'net.pt', 'net.ptl', 'out', 'soft'])
  })

  it('says when a folder may not be written', async () => {
    // Permissions do not bind root, but nobody makes files in the kernel's own file system.
    const closed = process.getuid?.() === 0 ? '/sys' : join(folder, 'closed')
    if (closed !== '/sys') await mkdir(closed, 0o500)
    const { status, out, err } = await petal('optimize', 'net.ptl', '-o', join(closed, 'net.ptl'))
    expect({ status, out }).toEqual({ status: 3, out: '' })
    expect(err).toMatch(/^error: Cannot write to .*\n\n {2}This user may not write there/)
  })

  it('leaves nothing behind when it is interrupted', async () => {
    const script = join(folder, 'slow.mjs')
    await writeFile(script, `
      import { writeOutput } from ${JSON.stringify(join(code, 'output.js'))}
      await writeOutput(process.argv[2], (async function* () {
        for (;;) { yield new Uint8Array(1 << 20); console.log('.'); await new Promise((go) => setTimeout(go, 20)) }
      })())
    `)
    const child = spawn(process.execPath, [script, join(folder, 'big.ptl')], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    expect((await readdir(folder)).some((name) => name.endsWith('.tmp'))).toBe(true)
    child.kill('SIGINT')
    const [status] = await once(child, 'exit') as [number]
    expect(status).toBe(130)
    expect((await readdir(folder)).toSorted()).toEqual(['net.pt', 'net.ptl', 'slow.mjs'])
  })
})

describe('a model that is refused', () => {
  it.each(BAD_MODELS)('$title', async ({ code, make }) => {
    await make(join(folder, 'bad.pt'))
    const before = (await readdir(folder)).toSorted()
    const [person, program] = await Promise.all([petal('optimize', 'bad.pt'), petal('inspect', 'bad.pt', '--json')])
    expect({ status: person.status, out: person.out }).toEqual({ status: 1, out: '' })
    expect(person.err).toMatch(/^error: .*\n\n {2}/)
    expect(person.err).not.toMatch(/\n\s+at /)
    expect({ status: program.status, err: program.err }).toEqual({ status: 1, err: '' })
    const { error } = JSON.parse(program.out) as { error: { code: string; message: string } }
    expect(error.code).toBe(code)
    expect(person.err).toContain(error.message)
    expect((await readdir(folder)).toSorted()).toEqual(before)
  }, 20_000)
})

describe('what needs Python', () => {
  it.each([
    ['a Python source', 'net.py', []],
    ['a program of torch.export', 'net.pt2', ['--trust']],
    ['a trusted checkpoint', 'checkpoint.pt', ['--trust']],
  ])('%s is an error of the machine where there is none', async (_, name, options) => {
    await writeFile(join(folder, 'net.py'), 'import torch\nmodel = torch.nn.Linear(1, 1)\n')
    await copyFile(join(fixtures, '../archive/exported.pt2'), join(folder, 'net.pt2'))
    await copyFile(join(fixtures, 'checkpoint.pt'), join(folder, 'checkpoint.pt'))
    const before = (await readdir(folder)).toSorted()
    const { status, out, err } = await petal('optimize', name, '--python', './no-python', ...options)
    expect({ status, out }).toEqual({ status: 3, out: '' })
    expect(err).toMatch(/^error: .*no-python/)
    expect(err).not.toMatch(/\n\s+at /)
    expect((await readdir(folder)).toSorted()).toEqual(before)
  })

  it('is told in the units of the command line', async () => {
    await writeFile(join(folder, 'net.py'), '')
    expect(await petal('optimize', 'net.py', '--input', '1x')).toMatchObject({ status: 2, err: expect.stringContaining('"1x"') })
    expect((await petal('optimize', './net.py?mobile&input=int64[1x3]<9&trust&as=url')).err)
      .toContain('petal optimize ./net.py --input "int64[1x3]<9" --trust\n')
    expect(await petal('optimize', 'net.py', '--time-limit', 'long')).toMatchObject({ status: 2, err: expect.stringContaining('--time-limit 600') })
    expect(await petal('inspect', 'net.py')).toMatchObject({ status: 1, err: expect.stringContaining('petal optimize net.py') })
    expect(await petal('optimize', 'net.pt', '--convert', 'trace')).toMatchObject({ status: 1, err: expect.stringContaining('TorchScript already') })
  })
})
