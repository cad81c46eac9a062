import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesSource } from '../../src/compiler/archive/byte-source.ts'
import { type ArchiveRecord, openArchive } from '../../src/compiler/archive/zip-reader.ts'
import { forgeZip, type ForgedEntry } from './archive.ts'

const fixtures = join(import.meta.dirname, '../fixtures/build')

/** A file that is no model that can be used, and the code of the error that says so. */
export interface BadModel {
  readonly title: string
  readonly code: string
  /** Puts it at `file`. */
  make(file: string): Promise<void>
}

const text = (value: string): Buffer => Buffer.from(value, 'latin1')

/** The smallest archive that passes for TorchScript at first sight, with its records replaced. */
function archive(...replaced: ForgedEntry[]): Uint8Array {
  const usual: ForgedEntry[] = [
    { name: 'net/data.pkl', data: text('\x80\x02N.') },
    { name: 'net/constants.pkl', data: text('\x80\x02).') },
    { name: 'net/code/__torch__.py', data: text('') },
    { name: 'net/version', data: text('3\n') },
  ]
  const names = new Set(replaced.map((record) => record.name))
  return forgeZip([...usual.filter((record) => !names.has(record.name)), ...replaced])
}

const pickle = (data: Buffer): Uint8Array => archive({ name: 'net/data.pkl', data })

function written(title: string, code: string, bytes: () => Uint8Array | string): BadModel {
  return { title, code, make: (file) => writeFile(file, bytes()) }
}

function copied(title: string, code: string, name: string): BadModel {
  return { title, code, make: (file) => copyFile(join(fixtures, name), file) }
}

/** A real model with the code of its first file changed. */
function recoded(title: string, code: string, change: (source: string) => string): BadModel {
  return {
    title, code,
    async make(file) {
      const { root, records } = await openArchive(bytesSource(await readFile(join(fixtures, 'net.pt'))))
      const copy = async (record: ArchiveRecord): Promise<ForgedEntry> =>
        ({ name: `${root}/${record.name}`, data: await record.read() })
      const kept = await Promise.all([...records.values()].map(copy))
      const main = kept.find(({ name }) => name === `${root}/code/__torch__.py`)!
      main.data = text(change(Buffer.from(main.data).toString()))
      await writeFile(file, forgeZip(kept))
    },
  }
}

/** None in `count` tuples, one in the next: TUPLE1 each. */
const nested = (count: number): Buffer => Buffer.concat([text('\x80\x02N'), Buffer.alloc(count, 0x85), text('.')])

export const BAD_MODELS: readonly BadModel[] = [
  written('a Git LFS pointer', 'LFS_POINTER', () =>
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 14212973\n`),
  written('an HTML page', 'HTML_PAGE', () => '<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n'),
  written('an empty file', 'EMPTY_FILE', () => ''),
  written('a safetensors file', 'SAFETENSORS', () => {
    const header = text('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    return Buffer.concat([length, header, Buffer.alloc(4)])
  }),
  written('a .pt2 of torch.export', 'EXPORTED_PROGRAM', () => forgeZip([
    { name: 'net/archive_format', data: text('pt2') },
    { name: 'net/models/model.json', data: text('{}') },
    { name: 'net/version', data: text('6') },
  ])),
  copied('an eager checkpoint', 'EAGER_CHECKPOINT', 'checkpoint.pt'),
  copied('an eager checkpoint of old', 'EAGER_CHECKPOINT', 'checkpoint-legacy.pt'),
  copied('a state dict', 'STATE_DICT', 'state-dict.pt'),
  {
    title: 'a truncated archive', code: 'TRUNCATED_ARCHIVE',
    make: async (file) => writeFile(file, (await readFile(join(fixtures, 'net.pt'))).subarray(0, 9000)),
  },
  { title: 'a directory', code: 'NOT_A_FILE', make: async (file) => { await mkdir(file) } },
  { title: 'a missing file', code: 'FILE_NOT_FOUND', make: async () => {} },
  { title: 'a named pipe', code: 'NOT_A_FILE', make: async (file) => { execFileSync('mkfifo', [file]) } },
  written('noise', 'NOT_A_MODEL', () => Buffer.from([0x13, 0x37, 0x00, 0xff])),
  written('a zip bomb', 'ARCHIVE_LIMIT', () => archive({ name: 'net/data.pkl', data: Buffer.alloc(80_000_000), deflate: true })),
  written('a zip bomb that lies about its size', 'BROKEN_RECORD', () =>
    archive({ name: 'net/data.pkl', data: Buffer.alloc(20_000_000), deflate: true, size: 100 })),
  written('a pickle with a forbidden global', 'FORBIDDEN_GLOBAL', () => pickle(text('\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.'))),
  written('a cyclic pickle', 'CYCLIC_PICKLE', () => pickle(text('\x80\x02]q\x00h\x00a.'))),
  written('a pickle nested a million deep', 'PICKLE_LIMIT', () => pickle(nested(1_000_000))),
  recoded('an operator that PyTorch never had', 'UNKNOWN_OPERATOR', (source) => source.replace('torch.relu(', 'torch.rhubarb(')),
  recoded('an expression nested a million deep', 'UNSUPPORTED_SYNTAX', (source) =>
    source.replace('torch.relu(', `${'('.repeat(1_000_000)}torch.relu(`)),
  recoded('code cut off', 'UNSUPPORTED_SYNTAX', (source) => source.slice(0, source.indexOf('torch.relu(') + 11)),
]
