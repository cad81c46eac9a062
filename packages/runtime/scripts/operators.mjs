// Makes families of operators importable one operator at a time, when the package is built. Bundlers drop exports that nobody imports, but no
// properties of an object: so each property of a table (`'aten::add.Tensor(self, other)': add`, `...forms('mul.Tensor(self, other)', multiply)`)
// becomes a constant of its own, exported under the names of its operators: `aten__add_Tensor`. Apps import those that their model needs.
import { parseAst, runnerImport } from 'vite'

/**
 * A plugin for Rolldown. `root` is the folder with the operators' sources, `families` are the files of those that are families. Without
 * `split` the tables stay whole, for bundles that have all operators anyhow.
 */
export function operatorExports({ root, families, split = true }) {
  let known
  return {
    name: 'operator-exports',
    async buildStart() {
      if (split) known ??= evaluate(families)
      await known
    },
    transform: {
      filter: { id: /\/src\/(?:.(?!\.generated|\.spec|\.d))*\.ts$/ },
      async handler(code, id) {
        const marked = mark(code, id.startsWith(root))
        return { code: split && id.startsWith(root) ? takeApart(marked, exporting((await known)[id] ?? {})) : marked, map: null }
      },
    },
  }
}

/** Runs the families, to see which schemas each part of their tables makes: by file and by the part's name. */
async function evaluate(families) {
  const entry = '\0families'
  const { module: { known, tables } } = await runnerImport(entry, {
    configFile: false, logLevel: 'error',
    plugins: [{
      name: 'operator-tables', enforce: 'pre',
      resolveId: (id) => id === entry ? id : undefined,
      load: (id) => id !== entry ? undefined : [
        ...families.map((path, n) => `import family${n} from ${JSON.stringify(path)}`),
        `export const tables = {${families.map((path, n) => `${JSON.stringify(path)}: family${n}`).join(', ')}}`,
        'export const known = globalThis.petalOperators',
      ].join('\n'),
      transform: (code, id) => families.some((path) => id.startsWith(dirname(path))) ? takeApart(mark(code, true), telling(id)) : undefined,
    }],
  })
  delete globalThis.petalOperators
  for (const [path, { operators, prepare = {} }] of Object.entries(tables)) {
    const parts = new Set(Object.values(known[path]).flat())
    for (const schema of Object.keys({ ...operators, ...prepare })) if (!parts.has(schema)) throw new Error(`${path}: ${schema} cannot be imported by itself`)
  }
  return known
}

const dirname = (path) => path.slice(0, path.lastIndexOf('/') + 1)

/** What follows a part of a table: its schemas are told to who evaluates the module. */
const telling = (id) => ({ name }) => `((globalThis.petalOperators ??= {})[${JSON.stringify(id)}] ??= {}).${name} = Object.keys(${name})`

/** What follows a part of a table: its exports, under the names of its operators. Those of a table that was imported are in its module. */
const exporting = (known) => ({ name, from }) => {
  const all = (known[name] ?? []).map(exportName)
  if (all.length === 0) return ''
  return from ? `export { ${all.join(', ')} } from ${from}` : `export { ${all.map((operator) => `${name} as ${operator}`).join(', ')} }`
}

/** Name under which a family's module exports an operator, or the last part of a class: `src/coverage.ts` has the same rule. */
const exportName = (schema) => schema.replace(/\([^]*/, '').replace(/^__torch__.*\./, '').replaceAll(/\W/g, '_')

/**
 * Marks what is called while the module is evaluated as free of effects, so that bundlers drop it where nobody needs it. With `shorten` the
 * schemas lose the names of their arguments.
 */
function mark(code, shorten) {
  const edits = []
  for (const { declarations } of variables(code)) {
    for (const { init } of declarations) {
      if (!init) continue
      const calls = evaluated(init).filter(({ type }) => type === 'CallExpression' || type === 'NewExpression')
      if (init.type === 'ObjectExpression' || calls.every(isPlain)) edits.push(...calls.filter(isPlain).map(({ start }) => [start, start, PURE]))
      else edits.push([init.start, init.start, `${PURE}(() => (`], [init.end, init.end, '))()'])
      if (!shorten) continue
      for (const { type, value, start, end } of evaluated(init)) {
        if (type === 'Literal' && typeof value === 'string') edits.push([start + 1, end - 1, withoutNames(code.slice(start + 1, end - 1))])
      }
    }
  }
  return edited(code, edits)
}

/** A call of a name or of a name's method: bundlers apply the mark to that, and not to a call that is part of it. */
const isPlain = ({ callee }) => callee.type === 'Identifier' || callee.object?.type === 'Identifier'

const PURE = '/* @__PURE__ */ '

/** Takes the names of arguments out of a schema, but for the first one's: calls need their number and defaults. `f(self, dim, p=1)` -> `f(self,,=1)` */
export function withoutNames(schema) {
  const [, name, args] = /^([\w:.*]+)\(([^()']*)\)$/.exec(schema) ?? []
  if (name === undefined) return schema
  const [first, ...rest] = args.split(/, (?![^[]*\])/)
  return `${name}(${[first, ...rest.map((arg) => arg === '...' ? arg : arg.replace(/^\w+/, ''))].join(',')})`
}

/** Makes constants of the parts of all tables; `follow` gives what comes after them at the module's end. */
function takeApart(code, follow) {
  const edits = []
  const ends = []
  const imports = new Map(parse(code).filter(({ type }) => type === 'ImportDeclaration').flatMap(({ specifiers, source }) => specifiers.map(({ local }) => [local.name, source.raw])))
  for (const { start, declarations } of variables(code)) {
    for (const { id, init } of declarations) {
      const tables = tablesOf(id, init)
      // Who imports operators asks every family for its kernels.
      if (isFamily(id) && !tables.some(([kind]) => kind === 'kernels')) ends.push('export const kernels: readonly any[] = []')
      for (const [kind, table] of tables) {
        if (kind === 'kernels') {
          edits.push([start, start, `export const kernels: readonly any[] = ${code.slice(table.start, table.end)}\n`], [table.start, table.end, 'kernels'])
          continue
        }
        if (table.type !== 'ObjectExpression') {
          ends.push(follow({ name: id.name }))
          continue
        }
        const parts = partsOf(table, (node) => code.slice(node.start, node.end)).map(({ name, expression }, n) =>
          ({ name: name ?? `${id.name}_${kind}_${n}`, expression, from: imports.get(name) }))
        const made = parts.filter(({ expression }) => expression)
        edits.push([start, start, made.map(({ name, expression }) => `const ${name}: Record<string, any> = ${expression}\n`).join('')])
        edits.push([table.start, table.end, `${PURE}Object.assign({}, ${parts.map(({ name }) => name).join(', ')})`])
        ends.push(...parts.map(follow))
      }
    }
  }
  return [edited(code, edits), ...ends].join(';\n')
}

/** The tables in a declaration: those of a family, or one that families spread into theirs. */
function tablesOf(id, init) {
  if (typeName(id) === 'OperatorTable') return [['operators', init]]
  if (!isFamily(id)) return []
  const tables = init.properties.filter(({ key, shorthand }) => !shorthand && ['operators', 'prepare', 'kernels'].includes(key.name))
  return tables.map(({ key, value }) => [key.name, value])
}

const typeName = (id) => id.typeAnnotation?.typeAnnotation?.typeName?.name
const isFamily = (id) => typeName(id) === 'Family'

/** The expressions whose union a table is, each with as few operators as can be told from the source; those that have names by these. */
function partsOf(table, text) {
  return table.properties.flatMap((property) => {
    if (property.type !== 'SpreadElement') return [{ expression: `{ ${text(property)} }` }]
    const { argument } = property
    if (argument.type === 'Identifier') return [{ name: argument.name }]
    if (argument.type !== 'CallExpression') return [{ expression: text(argument) }]
    // A function of a table gives of each row what it gives of all.
    const rows = argument.arguments.at(-1)
    if (rows?.type !== 'ObjectExpression' || rows.properties.some(({ type }) => type === 'SpreadElement')) return [{ expression: PURE + text(argument) }]
    const before = argument.arguments.slice(0, -1).map(text)
    return rows.properties.map((row) => ({ expression: `${PURE}${text(argument.callee)}(${[...before, `{ ${text(row)} }`].join(', ')})` }))
  })
}

const parse = (code) => parseAst(code, { lang: 'ts' }).body

/** Declarations of variables that are evaluated with the module. */
function variables(code) {
  return parse(code).flatMap(({ start, declaration, ...statement }) => {
    const { type, declarations } = declaration ?? statement
    return type === 'VariableDeclaration' ? [{ start, declarations }] : []
  })
}

/** All nodes that are evaluated with an expression, not those in functions. */
function evaluated(node) {
  if (Array.isArray(node)) return node.flatMap(evaluated)
  if (typeof node?.type !== 'string' || /Function|^Class/.test(node.type)) return []
  return [node, ...Object.entries(node).flatMap(([key, value]) => key.startsWith('type') ? [] : evaluated(value))]
}

/** Code with parts replaced: `[from, to, text]`, none of which overlap. */
function edited(code, edits) {
  let [result, at] = ['', 0]
  for (const [from, to, text] of edits.toSorted(([a, b], [c, d]) => a - c || b - d)) {
    result += code.slice(at, from) + text
    at = to
  }
  return result + code.slice(at)
}
