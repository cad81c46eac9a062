// Changes of TorchScript code, token by token and line by line.

const TOKEN = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\d+(?:\.\d*)?(?:e[-+]?\d+)?|\*\*|==|!=|<=|>=|->|\/\/|[^\s\w]/g

const NUMBERS = ['0', '1', '2', '-1', '3', '7', '64', '1.', '0.', '0.5', 'inf', 'nan', '-inf', '2147483648', '9223372036854775807', '9223372036854775808', '1e400', '00', '1j', '0x10', '1_000', '99999999999999999999999999']
const TYPES = [
  'Tensor', 'int', 'float', 'bool', 'str', 'number', 'Device', 'Optional[Tensor]', 'List[Tensor]', 'List[int]', 'Dict[str, Tensor]', 'Tuple[Tensor, Tensor]', 'Any',
  'NoneType', 'Tuple[()]', 'Union[int, Tensor]', 'Future[Tensor]', 'complex', 'Final[int]', 'List[List[int]]', 'Optional[int]', 'Nothing',
]
const OPERATORS = [
  'torch.add', 'torch.sub', 'torch.mul', 'torch.div', 'torch.relu', 'torch.sigmoid', 'torch.size', 'torch.cat', 'torch.view', 'torch.reshape', 'torch.t', 'torch.sum',
  'torch.linear', 'torch.conv2d', 'torch.batch_norm', 'torch.dropout', 'torch.add_', 'torch.mul_', 'torch.copy_', 'torch.slice', 'torch.select', 'torch.append',
  'torch.len', 'torch.gt', 'torch.eq', 'torch.__isnot__', 'torch.full', 'torch.zeros', 'torch.nothing', 'ops.prim.NumToTensor', 'ops.prim.RaiseException',
  'ops.quantized.linear', 'int', 'float', 'bool', 'annotate', 'unchecked_cast', 'uninitialized', 'torch.tensor', 'torch.matmul', 'torch.Int', 'ops.prepacked.linear_clamp_run',
]
const WORDS = ['if', 'else:', 'for', 'in', 'while', 'return', 'pass', 'def', 'class', 'with', 'as', 'not', 'and', 'or', 'None', 'True', 'False', 'self', 'is', 'lambda', 'yield', 'import os', 'del', 'assert', 'global']
const PIECES = ['(', ')', '[', ']', '{', '}', ',', ':', '.', '=', '==', '+', '-', '*', '/', '//', '**', '%', '<', '>', '~', '&', '|', '^', '@', ';', '"', "'", '\\', '#', '\t', '\r', '\u0000', '\u00a0', '\ufeff', 'é', '😀', '\u202e']

/** What another step has made longer is left as it is: its tokens would take more memory than the compiler may. */
const MAX_TEXT = 300_000

/** Runs `change` on the text of a code record; undefined where there is none or nothing changed. */
function changeCode(file, random, change) {
  const sources = file.records.filter(({ name, data }) => name.startsWith('code/') && name.endsWith('.py') && data.length > 0 && data.length < MAX_TEXT)
  if (sources.length === 0) return undefined
  const record = random.pick(sources)
  const text = record.data.toString('utf8')
  const result = change(text, sources)
  if (result === undefined || result.text === text) return undefined
  record.data = Buffer.from(result.text)
  return `${record.name}, ${result.what}`
}

const show = (text) => text.slice(0, 60).replaceAll('\n', '⏎')

/** Replaces one token that passes `test` by what `make` gives for it. */
function onToken(test, make) {
  return (file, random) => changeCode(file, random, (text) => {
    const tokens = [...text.matchAll(TOKEN)].filter(([token]) => test(token))
    if (tokens.length === 0) return undefined
    const token = random.pick(tokens)
    const made = make(token[0], random, tokens)
    return { text: text.slice(0, token.index) + made + text.slice(token.index + token[0].length), what: `'${show(token[0])}' is '${show(made)}'` }
  })
}

/** Changes the list of lines. */
function onLines(change) {
  return (file, random) => changeCode(file, random, (text, sources) => {
    const lines = text.split('\n')
    const what = change(lines, random.below(lines.length), random, sources)
    return what === undefined ? undefined : { text: lines.join('\n'), what }
  })
}

const isName = (token) => /^[A-Za-z_]/.test(token)
const isNumber = (token) => /^\d/.test(token)
const isType = (token) => /^(?:Tensor|int|float|bool|str|number|List|Dict|Optional|Tuple|Device|Any|NoneType)$/.test(token)
const any = () => true

/** Each changes a file and says how; undefined where there was nothing to change. */
export const codeMutations = {
  name: onToken(isName, (_, random, all) => random.pick(all)[0]),
  number: onToken(isNumber, (_, random) => random.pick(NUMBERS)),
  nudge: onToken(isNumber, (token, random) => (/^\d+$/.test(token) ? String(BigInt(token) + random.pick([-2n, -1n, 1n, 2n])) : String(Number(token) * random.pick([-1, 0.5, 2])))),
  type: onToken(isType, (_, random) => random.pick(TYPES)),
  operator: onToken((token) => token.startsWith('torch.') || token.startsWith('ops.'), (_, random) => random.pick(OPERATORS)),
  otherOperator: onToken((token) => token.startsWith('torch.') || token.startsWith('ops.'), (_, random, all) => random.pick(all)[0]),
  remove: onToken(any, () => ''),
  repeat: onToken(any, (token, random) => token + random.pick(['', ' ', ', ']) + token),
  insert: onToken(any, (token, random) => `${token} ${random.pick([random.pick(WORDS), random.pick(PIECES), random.pick(NUMBERS), random.pick(TYPES)])} `),
  replace: onToken(any, (_, random) => random.pick([random.pick(WORDS), random.pick(PIECES), random.pick(NUMBERS)])),
  exchange: onToken(any, (_, random, all) => random.pick(all)[0]),
  character: (file, random) => changeCode(file, random, (text) => {
    const at = random.below(text.length)
    const piece = random.pick(PIECES)
    return { text: text.slice(0, at) + piece + text.slice(at + random.below(2)), what: `'${piece}' at ${at}` }
  }),
  dropLine: onLines((lines, at) => `without '${show(lines.splice(at, 1)[0])}'`),
  repeatLine: onLines((lines, at) => {
    lines.splice(at, 0, lines[at])
    return `twice '${show(lines[at])}'`
  }),
  swapLines: onLines((lines, at, random) => {
    const other = random.below(lines.length)
    const line = lines[at]
    lines[at] = lines[other]
    lines[other] = line
    return `'${show(line)}' and '${show(lines[at])}'`
  }),
  moveLine: onLines((lines, at, random) => {
    const [line] = lines.splice(at, 1)
    lines.splice(random.below(lines.length + 1), 0, line)
    return `'${show(line)}'`
  }),
  borrowLine: onLines((lines, at, random, sources) => {
    const theirs = random.pick(sources).data.toString('utf8').split('\n')
    const line = random.pick(theirs)
    lines.splice(at, 0, line)
    return `'${show(line)}' at ${at}`
  }),
  indent: onLines((lines, at, random) => {
    lines[at] = random.chance(0.5) ? `  ${lines[at]}` : lines[at].replace(/^ {2}/, '')
    return `'${show(lines[at])}'`
  }),
  statement: onLines((lines, at, random) => {
    const line = lines.slice(at).find((each) => /^ {4}\w+ = /.test(each)) ?? lines.find((each) => /^ {4}\w+ = /.test(each))
    if (line === undefined) return undefined
    const name = line.trim().split(' ')[0]
    const made = random.pick([
      `    while True:\n      ${name} = ${name}\n`, `    for i in range(1000000000):\n      pass\n`, `    if torch.gt(torch.len([1]), 0):\n  ${line}\n    else:\n  ${line}`,
      `    ${name} = torch.add_(${name}, 1)`, `    self.training = True`, `    ${name} = [${name}, ${name}]`, `    ${name} = (${name}, ${name})`, `    ${name} = None`,
      `    ${name} = annotate(Optional[Tensor], ${name})`, `    ops.prim.RaiseException("x")`, `    ${name} = self`, `    def __inner():\n      return 1\n`,
      `    _0, _1, = ${name}, ${name}`, `    ${name} = {"a": ${name}}["a"]`, `    ${name} = fork(${name})`, `    print(${name})`,
    ])
    lines.splice(lines.indexOf(line) + 1, 0, made)
    return show(made)
  }),
  nest: onToken(isName, (token, random) => {
    const depth = random.pick([5, 150, 250, 3000, 50_000])
    const [open, close] = random.pick([['(', ')'], ['[', ']'], ['torch.relu(', ')'], ['-', ''], ['not ', ''], ['(-', ')'], ['List[', ']'], ['', '[0]'], ['', '.x'], ['', ' + 1']])
    return open.repeat(depth) + token + close.repeat(depth)
  }),
  blocks: onLines((lines, at, random) => {
    const depth = random.pick([5, 100, 500, 3000])
    const heads = Array.from({ length: depth }, (_, i) => `${' '.repeat(4 + 2 * i)}if True:`)
    lines.splice(at, 0, ...heads, `${' '.repeat(4 + 2 * depth)}pass`)
    return `${depth} deep at ${at}`
  }),
  long: onToken(isName, (token, random) => {
    const count = random.pick([100, 5000, 100_000])
    return random.pick([() => `[${`${token}, `.repeat(count)}]`, () => `"${'x'.repeat(count)}"`, () => token.repeat(Math.ceil(count / token.length)), () => `${token}${' '.repeat(count)}`])()
  }),
  recursion: onLines((lines, at, random) => {
    const heads = lines.flatMap((line, i) => (/^ {2}def forward\(/.test(line) ? [i] : []))
    if (heads.length === 0) return undefined
    let body = random.pick(heads)
    while (body < lines.length && !lines[body].endsWith(':')) body++
    lines.splice(body + 1, 0, '    _again = (self).forward(x, )')
    return `at ${at}`
  }),
  swapFiles: (file, random) => changeCode(file, random, (_, sources) => {
    const other = random.pick(sources)
    return { text: other.data.toString('utf8'), what: `all of ${other.name}` }
  }),
  header: (file, random) => changeCode(file, random, (text) => {
    const line = random.pick(['op_version_set = 1', 'op_version_set = 0', 'op_version_set = 99', 'import __torch__', 'import __torch__.x', 'from x import y', '# comment', 'x = 1', '\ufeff', 'class A(Module):', 'class B(NamedTuple):\n  x : B', 'class C(Enum):\n  a : int', 'def f():', 'class D(Interface):\n  def f(self) -> int:\n    pass'])
    return { text: `${line}\n${text}`, what: show(line) }
  }),
}
