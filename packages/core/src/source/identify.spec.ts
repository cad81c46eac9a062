import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { anyClass, collect, errorCode, fixture, forgeZip } from '../../test/support/archive.ts'
import { bytesSource } from '../compiler/archive/byte-source.ts'
import { PickleWriter } from '../compiler/archive/pickle-writer.ts'
import { openArchive } from '../compiler/archive/zip-reader.ts'
import { layoutZip } from '../compiler/archive/zip-writer.ts'
import { unpickleModule } from '../compiler/script/unpickle.ts'
import { identifySource } from './identify.ts'
import { refusal, type SourceKind } from './kinds.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const latin = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'))
const identify = (bytes: Uint8Array): Promise<SourceKind> => identifySource(bytesSource(bytes), 'net.pt')

describe('what PyTorch saves', () => {
  test.each<[string, SourceKind]>([
    ['values.pt', { kind: 'torchscript' }],
    ['quantized.pt', { kind: 'torchscript' }],
    ['optimized.ptl', { kind: 'lite' }],
    ['flatbuffer.ptl', { kind: 'lite' }],
    ['exported.pt2', { kind: 'exported-program' }],
    ['checkpoint.pt', { kind: 'checkpoint', className: 'torch.nn.modules.container.Sequential' }],
    ['checkpoint-legacy.pt', { kind: 'checkpoint', className: '__main__.Part' }],
    ['state-dict.pt', { kind: 'state-dict' }],
    ['state-dict-2.pt', { kind: 'state-dict' }],
    ['state-dict-legacy.pt', { kind: 'state-dict' }],
    ['training.pt', { kind: 'state-dict' }],
    ['tensor.pt', { kind: 'pickled-data' }],
  ])('%s', async (name, kind) => {
    expect(await identify(fixture(`archive/${name}`))).toEqual(kind)
  })

  test('an archive whose pickle is damaged', async () => {
    expect(await errorCode(() => identify(fixture('archive/records.zip')))).toBe('BROKEN_PICKLE')
  })
})

/** Beginnings of files that are often named as models. */
const OTHERS: readonly (readonly [string, SourceKind, Uint8Array])[] = [
  ['nothing', { kind: 'empty' }, new Uint8Array()],
  ['a Git LFS pointer', { kind: 'lfs-pointer' }, text('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 46886694\n')],
  ['a web page', { kind: 'html' }, text('\n<!DOCTYPE html>\n<html><head>')],
  ['a web page with a mark and a comment', { kind: 'html' }, text('\ufeff<!-- x -->\n<HTML lang="en">')],
  ['safetensors', { kind: 'safetensors' }, latin('\x40\0\0\0\0\0\0\0{"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}      ')],
  ['empty safetensors', { kind: 'safetensors' }, latin('\x02\0\0\0\0\0\0\0{}')],
  ['ONNX', { kind: 'onnx' }, latin('\x08\x08\x12\x07pytorch\x1a\x061.13.0')],
  ['GGUF', { kind: 'gguf' }, latin('GGUF\x03\0\0\0')],
  ['TensorFlow Lite', { kind: 'tflite' }, latin('\x1c\0\0\0TFL3')],
  ['NumPy', { kind: 'numpy' }, latin('\x93NUMPY\x01\0v\0')],
  ['NumPy archives', { kind: 'npz' }, forgeZip([{ name: 'a.npy', data: latin('\x93NUMPY') }, { name: 'b.npy', data: new Uint8Array() }])],
  ['Keras', { kind: 'hdf5' }, latin('\x89HDF\r\n\x1a\n\0')],
  ['gzip', { kind: 'gzip' }, latin('\x1f\x8b\x08\0')],
  ['tar', { kind: 'tar' }, latin(`net.pt${'\0'.repeat(251)}ustar\x0000`)],
  ['a zip archive', { kind: 'zip' }, forgeZip([{ name: 'model/readme.md', data: text('hello') }])],
  ['an empty zip archive', { kind: 'zip' }, forgeZip([])],
  ['a torch.package', { kind: 'torch-package' }, forgeZip([{ name: 'net/.data/extern_modules', data: text('') }])],
  ['TorchScript of PyTorch 1.0', { kind: 'old-torchscript' },
    forgeZip([{ name: 'net/model.json', data: text('{}') }, { name: 'net/tensors/0', data: text('x') }])],
  ['a model in a zip archive', { kind: 'zip' }, forgeZip([{ name: 'net.pt', data: text('PK') }])],
  ['a plain pickle', { kind: 'pickle' }, latin('\x80\x04\x95\x05\0\0\0\0\0\0\0]\x94K\x01a.')],
  ['a damaged pickle', { kind: 'pickle' }, latin('\x80\x02\xff\xff')],
  ['JSON', { kind: 'json' }, text('{"error": "not found"}')],
  ['Python', { kind: 'python' }, text('# a model\nimport torch\n')],
  ['a message of a server', { kind: 'text', line: '404: Not Found' }, text('404: Not Found')],
  ['a message in XML', { kind: 'text', line: '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>' },
    text('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>\n')],
  ['a long text, cut inside of a character', { kind: 'text', line: `${'ä'.repeat(100)}…` }, text(`x${'ä'.repeat(4000)}`.slice(1)).subarray(0, 4095)],
  ['text with control characters', { kind: 'unknown', magic: '68 69 1b 5b' }, text('hi\x1b[2Jthere')],
  ['something else', { kind: 'unknown', magic: '00 01 02 03' }, new Uint8Array([0, 1, 2, 3, 4])],
  ['one byte', { kind: 'unknown', magic: '80' }, new Uint8Array([0x80])],
]

describe('other files, each with a refusal of its own words', () => {
  test.each(OTHERS)('%s', async (_, kind, bytes) => {
    expect(await identify(bytes)).toEqual(kind)
    const error = refusal(kind, 'net.pt')
    expect(error.what).toMatch(/^net\.pt .*\.$/)
    expect(error.likelyCause).toBeTruthy()
    expect(error.fix).toBeTruthy()
  })

  test('has no refusal for what can be used', () => {
    expect(() => refusal({ kind: 'torchscript' }, 'net.pt')).toThrow()
  })

  test('a checkpoint in words', () => {
    const error = refusal({ kind: 'checkpoint', className: 'my.Net' }, 'net.pt')
    expect(error.what).toBe('net.pt is a pickled Python module, not a TorchScript model (its class is my.Net).')
    expect(error.likelyCause).toContain('torch.save(model)')
    expect(error.fix).toContain('"./net.pt?mobile&trust" reads it')
  })
})

// --- hostile files

/** Everything that is done with a file before its code is looked at. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const source = bytesSource(bytes)
  const kind = await identifySource(source, 'net.pt')
  if (kind.kind !== 'torchscript' && kind.kind !== 'lite') throw refusal(kind, 'net.pt')
  const archive = await openArchive(source)
  await unpickleModule(archive, anyClass())
  for (const record of archive.records.values()) await record.read()
}

async function archiveOf(pickle: Uint8Array): Promise<Uint8Array> {
  return collect(layoutZip('net', [
    { name: 'data.pkl', size: pickle.length, content: pickle },
    { name: 'constants.pkl', size: 4, content: new Uint8Array([0x80, 2, 0x29, 0x2e]) },
  ]).stream())
}

describe('hostile files end in one clear error', () => {
  test('cut short anywhere', async () => {
    const whole = fixture('archive/optimized.ptl')
    expect(await errorCode(() => readAll(whole))).toBe(undefined)
    expect(await errorCode(() => readAll(whole.slice(0, 0)))).toBe('EMPTY_FILE')
    expect(await errorCode(() => readAll(whole.slice(0, 3)))).toBe('NOT_A_MODEL')
    for (let size = 4; size < whole.length; size += size < 200 ? 1 : 37) {
      expect(await errorCode(() => readAll(whole.slice(0, size))), `${size} bytes`).toBe('TRUNCATED_ARCHIVE')
    }
  })

  test('one bit wrong anywhere in the directory: the same content or an error', async () => {
    const whole = fixture('archive/optimized.ptl')
    const start = Buffer.from(whole).indexOf('PK\x01\x02', 0, 'latin1')
    let refused = 0
    for (let at = start; at < whole.length; at++) {
      const bad = whole.slice()
      bad[at] = bad[at]! ^ (1 << (at % 8))
      if (await errorCode(() => readAll(bad)) !== undefined) refused++
    }
    expect(refused).toBeGreaterThan((whole.length - start) / 2)
  })

  test('one bit wrong anywhere in the data', async () => {
    const whole = fixture('archive/optimized.ptl')
    for (let at = 0; at < whole.length; at += 29) {
      const bad = whole.slice()
      bad[at] = bad[at]! ^ (1 << (at % 8))
      await errorCode(() => readAll(bad))
    }
  })

  test('text that is meant to keep a pattern busy', async () => {
    for (const part of ['"""', '\n', ' \n', '#\n', '<!--', '<?xml', '# " \n"""', '{', '[ ']) {
      expect(await errorCode(() => readAll(text(part.repeat(4096)))), part).toBeDefined()
    }
  })

  test('noise behind the first bytes of every format', async () => {
    for (const [name, , head] of OTHERS) {
      const noise = createHash('sha512').update(name).digest()
      const bytes = new Uint8Array(Buffer.concat([head, noise, noise]))
      expect(await errorCode(() => readAll(bytes)), name).toBeDefined()
    }
  })

  test('a pickle that calls a function', async () => {
    const w = new PickleWriter()
    w.global('os', 'system')
    w.string('echo')
    w.shortTuple(1)
    w.reduce()
    expect(await errorCode(async () => readAll(await archiveOf(w.finish())))).toBe('FORBIDDEN_GLOBAL')
  })

  test('a pickle that contains itself, and one a million levels deep', async () => {
    const cyclic = new Uint8Array([0x80, 2, 0x5d, 0x71, 0, 0x28, 0x68, 0, 0x65, 0x2e])
    expect(await errorCode(async () => readAll(await archiveOf(cyclic)))).toBe('CYCLIC_PICKLE')
    const deep = new Uint8Array(1_000_002).fill(0x85)
    deep.set([0x4e], 0)
    deep.set([0x2e], 1_000_001)
    expect(await errorCode(async () => readAll(await archiveOf(deep)))).toBe('PICKLE_LIMIT')
  })

  test('a deep or cyclic checkpoint is still told to be one', async () => {
    const w = new PickleWriter()
    w.global('my.module', 'Net')
    w.newObject()
    const self = w.put()
    w.get(self)
    w.build()
    const pickle = w.finish()
    const zip = await collect(layoutZip('net', [{ name: 'data.pkl', size: pickle.length, content: pickle }]).stream())
    expect(await identify(zip)).toEqual({ kind: 'checkpoint', className: 'my.module.Net' })
  })
})
