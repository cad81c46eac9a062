// Changes of an archive's headers and directory.
import { zip64Extra } from './zip.mjs'

/** Fields of local headers and entries that hold numbers. */
const FIELDS = [
  'flags', 'localFlags', 'method', 'localMethod', 'crc', 'localCrc', 'csize', 'localCsize', 'usize', 'localUsize', 'localNameBytes',
  'localExtraBytes', 'nameBytes', 'extraBytes', 'offset', 'disk', 'signature', 'entrySignature',
]

const fault = (record) => (record.fault ??= {})

/** Each changes a file and says how; undefined where there was nothing to change. */
export const zipMutations = {
  field(file, random) {
    const record = random.pick(file.records)
    const name = random.pick(FIELDS)
    const value = random.chance(0.6) ? random.edge() : BigInt(random.below(4096))
    fault(record)[name] = value
    return `${name} of ${record.name} is ${value}`
  },
  sizes(file, random) {
    const record = random.pick(file.records)
    const by = random.below(64) - 32
    Object.assign(fault(record), { csize: record.data.length + by, usize: record.data.length + by })
    return `${record.name} ${by} bytes longer`
  },
  method(file, random) {
    const record = random.pick(file.records)
    fault(record).method = random.pick([0, 8, 1, 9, 12, 14, 93, 99])
    return `${record.name} by ${fault(record).method}`
  },
  flags(file, random) {
    const record = random.pick(file.records)
    const bit = 1 << random.below(16)
    Object.assign(fault(record), { flags: 0x0800 ^ bit, ...random.chance(0.5) && { localFlags: 0x0800 } })
    return `${record.name} with ${bit}`
  },
  overlap(file, random) {
    const record = random.pick(file.records)
    fault(record).overlap = random.bits()
    return record.name
  },
  root(file, random) {
    if (random.chance(0.3)) {
      file.root = random.pick(['', '/', 'a/b', '.', '..', 'ä', 'x'.repeat(600), 'archive', ' '])
      return `'${file.root.slice(0, 10)}'`
    }
    const record = random.pick(file.records)
    fault(record).root = random.pick(['', '/', 'other/', '../', `${file.root}//`, file.root])
    return `'${fault(record).root}' of ${record.name}`
  },
  rawName(file, random) {
    const record = random.pick(file.records)
    const prefix = Buffer.from(`${file.root}/`)
    const choices = [Buffer.from(record.name.replace(/./, '\u0000')), Buffer.from([0xff, 0xfe]), random.bytes(12), Buffer.alloc(700, 'n'), Buffer.from(`${record.name}/`)]
    fault(record).rawName = Buffer.concat([prefix, random.pick(choices)])
    return record.name
  },
  deflate(file, random) {
    const record = random.pick(file.records)
    Object.assign(fault(record), { method: 8, data: random.bytes(random.below(200)) })
    return `${record.name} is noise`
  },
  bomb(file, random) {
    const record = random.pick(file.records)
    record.data = Buffer.alloc(random.pick([1 << 16, 1 << 20, 1 << 22]))
    record.deflated = true
    return `${record.name} of ${record.data.length} zeros`
  },
  claim(file, random) {
    const record = random.pick(file.records)
    record.deflated = true
    fault(record).usize = random.pick([1 << 26, 0x7fffffff, 0xfffffff0, 1])
    return `${record.name} says ${fault(record).usize}`
  },
  zip64(file, random) {
    const record = random.pick(file.records)
    const real = [BigInt(record.data.length), BigInt(record.data.length)]
    const values = random.chance(0.4) ? real : [random.edge(), random.edge(), random.edge()].slice(0, 1 + random.below(3))
    Object.assign(fault(record), { usize: 0xffffffff, csize: 0xffffffff, zip64: zip64Extra(values) })
    if (random.chance(0.3)) fault(record).offset = 0xffffffff
    return `${record.name} ${values.join(' ')}`
  },
  extra(file, random) {
    const record = random.pick(file.records)
    fault(record).extra = Buffer.from(random.bytes(random.below(80)))
    return record.name
  },
  comment(file, random) {
    const comment = random.chance(0.5) ? Buffer.from('PK\x05\x06'.repeat(1 + random.below(8)), 'latin1') : Buffer.from(random.bytes(random.below(100)))
    if (random.chance(0.5)) file.faults.end = { ...file.faults.end, comment }
    else fault(random.pick(file.records)).comment = comment
    return `${comment.length} bytes`
  },
  end(file, random) {
    const name = random.pick(['count', 'total', 'size', 'offset', 'disk'])
    file.faults.end = { ...file.faults.end, [name]: random.edge() }
    return `${name} is ${file.faults.end[name]}`
  },
  zip64End(file, random) {
    const name = random.pick(['count', 'size', 'offset', 'locator', 'endSize', 'nothing'])
    file.faults.zip64End = { [name]: random.edge() }
    if (random.chance(0.5)) file.faults.end = { ...file.faults.end, ...random.pick([{ count: 0xffff }, { size: 0xffffffff }, { offset: 0xffffffff }]) }
    return `${name} is ${file.faults.zip64End[name]}`
  },
  around(file, random) {
    const noise = Buffer.from(random.bytes(1 + random.below(100)))
    const where = random.pick(['prefix', 'suffix'])
    file.faults[where] = noise
    return `${where} of ${noise.length} bytes`
  },
  cut(file, random) {
    file.faults.cut = random.chance(0.5) ? random.below(100) : random.bits()
    return `${file.faults.cut} bytes off the end`
  },
  noEnd(file) {
    file.faults.noEnd = true
    return 'no end record'
  },
}
