// Changes of which records an archive has and what they are called.

const named = (file, name) => file.records.find((record) => record.name === name)

const VERSIONS = ['', '0', '1', '2', '3', '4', '5', '7', '8', '9', '10', '11', '-1', '99999999999', '3.0', 'x', '3\n3', ' 3 ', '0x3', '٣']
const NAMES = [
  '', '.', '..', '../x', '/abs', 'data.pkl', 'code/__torch__.py', 'code/__torch__/x.py', 'constants.pkl', 'bytecode.pkl', 'version', '.data/version',
  'model.json', 'byteorder', 'data/0', 'data/../data/0', 'constants/0', 'DATA.PKL', 'a\\b', 'code/', 'extra/x', 'traced_inputs.pkl', '\u0000',
]

/** Each changes a file and says how; undefined where there was nothing to change. */
export const recordMutations = {
  version(file, random) {
    const record = named(file, 'version') ?? named(file, '.data/version')
    if (record === undefined) return undefined
    record.data = Buffer.from(random.pick(VERSIONS))
    if (random.chance(0.3)) record.name = random.pick(['version', '.data/version'])
    return `${record.name} '${record.data}'`
  },
  remove(file, random) {
    if (file.records.length < 2) return undefined
    const [{ name }] = file.records.splice(random.below(file.records.length), 1)
    return name
  },
  duplicate(file, random) {
    const record = random.pick(file.records)
    const other = random.pick(file.records)
    file.records.splice(random.below(file.records.length + 1), 0, { ...record, data: other.data })
    return `${record.name} with the data of ${other.name}`
  },
  rename(file, random) {
    const record = random.pick(file.records)
    const before = record.name
    record.name = random.chance(0.5) ? random.pick(NAMES) : random.pick(file.records).name
    return `${before} to ${record.name}`
  },
  exchange(file, random) {
    const [a, b] = [random.pick(file.records), random.pick(file.records)]
    const data = a.data
    a.data = b.data
    b.data = data
    return `${a.name} and ${b.name}`
  },
  borrow(file, random) {
    const other = random.pick(file.corpus)
    if (other.records === undefined) return undefined
    const record = random.pick(other.records)
    const mine = named(file, record.name)
    if (mine) mine.data = record.data
    else file.records.push({ ...record })
    return `${record.name} of ${other.path}`
  },
  shuffle(file, random) {
    for (let i = file.records.length - 1; i > 0; i--) {
      const j = random.below(i + 1)
      const record = file.records[i]
      file.records[i] = file.records[j]
      file.records[j] = record
    }
    return `${file.records.length} records`
  },
  compress(file, random) {
    const record = random.pick(file.records)
    record.deflated = !record.deflated
    return record.name
  },
  byteorder(file, random) {
    const text = random.pick(['little', 'big', '', 'little\n', 'LITTLE', 'x'.repeat(100)])
    file.records = file.records.filter(({ name }) => name !== 'byteorder')
    file.records.push({ name: 'byteorder', data: Buffer.from(text), deflated: false })
    return `'${text.slice(0, 10)}'`
  },
  empty(file, random) {
    const record = random.pick(file.records)
    record.data = Buffer.alloc(0)
    return record.name
  },
  resize(file, random) {
    const record = random.pick(file.records)
    const size = random.below(2) ? record.data.length + random.below(17) - 8 : random.below(5000)
    const resized = Buffer.alloc(Math.max(size, 0))
    record.data.copy(resized)
    record.data = resized
    return `${record.name} to ${size} bytes`
  },
}
