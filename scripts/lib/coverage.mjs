// docs/coverage.md: a page that coverage.py writes, sections after it, and the columns of our own runtime in the page's table.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

const PAGE = join(root, 'docs/coverage.md')
const SECTION = '## In our own runtime'
const COLUMNS = ['our runtime', 'PyTorch\'s own file in it']
/** In the page's table: model, form and five more. */
const OWN_COLUMNS = 7
const ENGINES = { node: 'Node', chromium: 'Chromium', webkit: 'WebKitGTK' }
const FILES = { optimized: 'compiled', raw: 'PyTorch\'s own' }

/** Puts one part of docs/coverage.md in the place of its predecessor: the page, or the section of one PyTorch. */
export function record(part) {
  write([part])
}

/** Puts what the runtime's sweep found into the page: two columns, and a section of its own. */
export function recordRuntime({ rows, set }) {
  write([section(rows, set)], cellsOf(rows))
}

function write(parts, cells = readCells(readFileSync(PAGE, 'utf8'))) {
  const texts = [...readFileSync(PAGE, 'utf8').split(/^(?=## (?:From Python source|In our own runtime))/m), ...parts]
  const [page, ...sections] = new Map(texts.map((text) => [text.split('\n', 1)[0], text.trim()])).values()
  const own = sections.filter((text) => text.startsWith(SECTION))
  const others = sections.filter((text) => !text.startsWith(SECTION))
  writeFileSync(PAGE, `${[withCells(page, cells), ...own, ...others].join('\n\n')}\n`)
}

const key = ([model, form]) => `${model.replace(/\*$/, '')} ${form}`
const cellsIn = (line) => line.slice(2, -2).split(' | ')

/** Cells by model and form that the page has already. */
function readCells(page) {
  const lines = page.split('\n').filter((line) => line.startsWith('| ')).map(cellsIn).filter(({ length }) => length === OWN_COLUMNS + COLUMNS.length)
  return new Map(lines.map((cells) => [key(cells), cells.slice(OWN_COLUMNS)]))
}

/** The page, its table with the two columns. */
function withCells(page, cells) {
  if (cells.size === 0) return page
  return page.split('\n').map((line) => {
    if (line.startsWith('|---')) return line.split('---').length - 1 >= OWN_COLUMNS ? `|${'---|'.repeat(OWN_COLUMNS + COLUMNS.length)}` : line
    const own = line.startsWith('| ') ? cellsIn(line).slice(0, OWN_COLUMNS) : []
    if (own.length < OWN_COLUMNS) return line
    const more = own[0] === 'model' ? COLUMNS : cells.get(key(own)) ?? ['', '']
    return `| ${[...own, ...more].join(' | ')} |`
  }).join('\n')
}

function group(rows, by) {
  const groups = new Map()
  for (const row of rows) groups.set(by(row), [...groups.get(by(row)) ?? [], row])
  return groups
}

const text = (problem) => problem.replaceAll('|', '\\|').split('\n')[0].slice(0, 240)

/** The worst of all engines that ran a file. */
function cell(rows = []) {
  const ran = rows.filter(({ status }) => status !== 'absent')
  if (ran.length === 0) return ''
  const bad = ran.find(({ status }) => status !== 'passed')
  return bad ? bad.status : Math.max(...ran.map(({ worst }) => worst)).toExponential(1).replace(/e([+-])(\d)$/, 'e$10$2')
}

function cellsOf(rows) {
  const models = group(rows, ({ model, form }) => `${model} ${form}`)
  return new Map([...models].map(([name, all]) => {
    const files = group(all, ({ file }) => file)
    return [name, Object.keys(FILES).map((file) => cell(files.get(file)))]
  }))
}

function section(rows, set) {
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
  const detection = [...group(rows.filter(({ family }) => family === 'detection'), ({ model }) => model)]
  if (detection.length > 0) {
    lines.push('', 'Models that only the runtime is tested with:', '', `| model | ${COLUMNS.join(' | ')} |`, '|---|---|---|')
    for (const [model, all] of detection) lines.push(`| ${model} | ${cellsOf(all).values().next().value.join(' | ')} |`)
  }
  const bad = rows.filter(({ status }) => status === 'refused' || status === 'failed')
  if (bad.length > 0) {
    lines.push('', '| not run | form | file | the runtime says |', '|---|---|---|---|')
    for (const [, [row]] of group(bad, ({ model, form, file }) => `${model} ${form} ${file}`)) lines.push(`| ${row.model} | ${row.form} | ${FILES[row.file] ?? ''} | ${text(row.problem)} |`)
  }
  return lines.join('\n')
}
