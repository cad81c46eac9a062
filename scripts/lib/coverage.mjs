// docs/coverage.md: a page that coverage.py writes, sections after it, and in the page's table the columns of the other sweeps.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

export const PAGE = join(root, 'docs/coverage.md')
const SECTION = '## In our own runtime'
const FILES = { optimized: 'compiled', raw: 'PyTorch\'s own' }
const RUNTIME_COLUMNS = ['our runtime', 'PyTorch\'s own file in it']
const DEVICE_COLUMNS = { vulkan: 'Vulkan', metal: 'Metal' }
const KERNELS_COLUMN = 'Vulkan kernels'
const ARCHIVE_COLUMN = '`.pt`'
/** Behind those of coverage.py; each sweep fills its own. */
const COLUMNS = [...RUNTIME_COLUMNS, DEVICE_COLUMNS.vulkan, KERNELS_COLUMN, DEVICE_COLUMNS.metal, ARCHIVE_COLUMN]
/** In the page's table: model, form and five more. */
const OWN_COLUMNS = 7
const ENGINES = { node: 'Node', chromium: 'Chromium', webkit: 'WebKitGTK' }
/** The device lacks an operator, which the compiler warns of: the file needs automatic transfer, or does not run there. */
const LACKING = '†'

/** Puts one part of docs/coverage.md in the place of its predecessor: the page, or the section of one PyTorch. */
export function record(part) {
  write([part])
}

/** Puts what the runtime's sweep found into the page: two columns, and, unless single models were run, a section of its own. */
export function recordRuntime({ rows, set }, isWhole) {
  const known = tableOf(read()).cells
  write(isWhole ? [section(rows, set, known)] : [], runtimeCells(rows))
}

/** Puts what compare.py found into the columns of the devices it compiled for. */
export function recordDevices({ rows, backends }) {
  write([], columnsOf(rows, (row) => Object.fromEntries(backends.map((name) => {
    const entry = row.backends?.[name]
    return [DEVICE_COLUMNS[name], state(entry && 'worst' in entry ? { status: 'passed', worst: entry.shapes > 0 ? entry.worst : undefined } : row, entry?.device !== undefined)]
  }))))
}

/** Puts what PyTorch's own kernels of Vulkan computed (gpu/vulkan/run.py) into their column. */
export function recordKernels({ rows }) {
  write([], columnsOf(rows, (row) => ({ [KERNELS_COLUMN]: state(row, row.warned !== undefined) })))
}

/** Puts what torchscript.py found into the column of archives for torch.jit.load. */
export function recordArchives({ rows }) {
  write([], columnsOf(rows, (row) => ({ [ARCHIVE_COLUMN]: state(row) })))
}

function read() {
  return readFileSync(PAGE, 'utf8')
}

/** Replaces parts of the page, and the given cells of its table; all others stay. */
function write(parts, fresh = new Map()) {
  const before = read()
  const cells = tableOf(before).cells
  for (const [name, columns] of fresh) cells.set(name, { ...cells.get(name), ...columns })
  const texts = [...before.split(/^(?=## (?:From Python source|In our own runtime))/m), ...parts]
  const [page, ...sections] = new Map(texts.map((text) => [text.split('\n', 1)[0], text.trim()])).values()
  const own = sections.filter((text) => text.startsWith(SECTION))
  const others = sections.filter((text) => !text.startsWith(SECTION))
  writeFileSync(PAGE, `${[withCells(page, cells), ...own, ...others].join('\n\n')}\n`)
}

const key = ([model, form]) => `${model.replace(/\*$/, '')} ${form}`
const cellsIn = (line) => line.slice(2, -2).split(' | ')

/** The page's first table: where its lines are, and by model and form the cells behind the first ones, by the names of their columns. */
function tableOf(page) {
  const lines = page.split('\n')
  const start = lines.findIndex((line) => line.startsWith('| model |'))
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  const columns = cellsIn(lines[start]).slice(OWN_COLUMNS)
  const rows = lines.slice(start + 2, end).map(cellsIn)
  return { lines, start, end, cells: new Map(rows.map((row) => [key(row), Object.fromEntries(columns.map((name, i) => [name, row[OWN_COLUMNS + i]]))])) }
}

/** The page, its table with all columns. */
function withCells(page, cells) {
  const { lines, start, end } = tableOf(page)
  const rows = lines.slice(start, end).map((line, i) => {
    if (i === 1) return `|${'---|'.repeat(OWN_COLUMNS + COLUMNS.length)}`
    const own = cellsIn(line).slice(0, OWN_COLUMNS)
    const more = i === 0 ? COLUMNS : COLUMNS.map((name) => cells.get(key(own))?.[name] ?? '')
    return `| ${[...own, ...more].join(' | ')} |`
  })
  return [...lines.slice(0, start), ...rows, ...lines.slice(end)].join('\n')
}

function group(rows, by) {
  const groups = new Map()
  for (const row of rows) groups.set(by(row), [...groups.get(by(row)) ?? [], row])
  return groups
}

const text = (problem) => problem.replaceAll('|', '\\|').split('\n')[0].slice(0, 240)
const figure = (error) => error.toExponential(1).replace(/e([+-])(\d)$/, 'e$10$2')
const columnsOf = (rows, columns) => new Map(rows.map((row) => [`${row.model} ${row.form}`, columns(row)]))

/** An error, or what became of the row instead. */
function state({ status, worst }, isLacking = false) {
  if (status !== 'passed') return `**${status}**`
  return [...worst === undefined ? [] : [figure(worst)], ...isLacking ? [LACKING] : []].join(' ')
}

/** The worst of all engines that ran a file. */
function cell(rows = []) {
  const ran = rows.filter(({ status }) => status !== 'absent')
  if (ran.length === 0) return ''
  const bad = ran.find(({ status }) => status !== 'passed')
  return bad ? bad.status : figure(Math.max(...ran.map(({ worst }) => worst)))
}

function runtimeCells(rows) {
  const models = group(rows, ({ model, form }) => `${model} ${form}`)
  return new Map([...models].map(([name, all]) => {
    const files = group(all, ({ file }) => file)
    return [name, Object.fromEntries(Object.keys(FILES).map((file, i) => [RUNTIME_COLUMNS[i], cell(files.get(file))]))]
  }))
}

/** `known` are the models of the page's table. */
function section(rows, set, known) {
  const lines = [
    SECTION, '',
    'The same models and inputs in `@petaljs/runtime`, compared with the eager model in the same way: the emitted file, and the file that PyTorch writes itself without optimizing. '
    + 'In the table above, the error is the worst of all engines; it is empty where there is no file, or where the sweep left the model out. '
    + `Made by \`npm run zoo -- --runtime --set ${set}\`.`, '',
    '| engine | file | correct | refused | wrong | worst relative error |', '|---|---|---|---|---|---|',
  ]
  for (const [engine, name] of Object.entries(ENGINES)) {
    for (const [file, what] of Object.entries(FILES)) {
      const ran = rows.filter((row) => row.engine === engine && row.file === file && row.status !== 'absent')
      if (ran.length === 0) continue
      const passed = ran.filter(({ status }) => status === 'passed')
      const count = (status) => ran.filter((row) => row.status === status).length
      lines.push(`| ${name} | ${what} | ${passed.length} | ${count('refused')} | ${count('failed')} | ${cell(passed)} |`)
    }
  }
  const more = [...runtimeCells(rows)].filter(([name]) => !known.has(name))
  if (more.length > 0) {
    lines.push('', 'Models that only the runtime is tested with:', '', `| model | ${RUNTIME_COLUMNS.join(' | ')} |`, '|---|---|---|')
    for (const [name, columns] of more) lines.push(`| ${name.replace(/ \w+$/, '')} | ${RUNTIME_COLUMNS.map((column) => columns[column]).join(' | ')} |`)
  }
  const bad = rows.filter(({ status }) => status === 'refused' || status === 'failed')
  if (bad.length > 0) {
    lines.push('', '| not run | form | file | the runtime says |', '|---|---|---|---|')
    for (const [, [row]] of group(bad, ({ model, form, file }) => `${model} ${form} ${file}`)) lines.push(`| ${row.model} | ${row.form} | ${FILES[row.file] ?? ''} | ${text(row.problem)} |`)
  }
  return lines.join('\n')
}
