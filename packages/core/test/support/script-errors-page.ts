import { CATALOGUE } from '../../src/pytorch/diagnostics/catalogue.ts'
import type { Entry } from '../../src/pytorch/diagnostics/entry.ts'
import { failureOf } from '../../src/pytorch/diagnostics/index.ts'
import { TRACE_WARNINGS } from '../../src/pytorch/diagnostics/warnings.ts'
import { failureFor, lineToBlame, read, recorded } from './script-errors.ts'

const INTRODUCTION = `# Errors of scripting and tracing

<!-- Written by \`npm run docs\` from the table that explains errors (packages/core/src/pytorch/diagnostics). -->

TorchScript understands a part of Python. When PyTorch refuses a model, Petal shows the line at the import, with the cause and the change
to make; this page lists what it knows. Each entry is tested on PyTorch 1.13 and on the newest supported 2.x: the code is refused as it
is, and converts with the change, to the same results.

If what your model does never depends on the *values* of its inputs, there is a way around all errors of scripting: \`convert=trace\` with
example inputs.

What PyTorch says is quoted; cause and change are in the words of the error that the import shows.`

/** Lines shown around a change. */
const AROUND = 3

/** docs/script-errors.md. */
export async function page(): Promise<string> {
  const script = CATALOGUE.filter(({ method }) => method === undefined)
  const trace = CATALOGUE.filter(({ method }) => method === 'trace')
  const sections = [
    INTRODUCTION,
    list('Scripting', script), list('Tracing, and running the model on its example inputs', trace),
    '## Scripting', ...await Promise.all(script.map(section)),
    '## Tracing, and running the model on its example inputs', ...await Promise.all(trace.map(section)),
    '## Warnings of a trace',
    'A trace records what the model does with the example inputs. Where PyTorch warns that other inputs may take another way, the import shows:',
    TRACE_WARNINGS.map(({ meaning, fix }) => `- ${plain(`${meaning} ${fix}`)}`).join('\n'),
  ]
  return `${sections.join('\n\n')}\n`
}

/** Warnings without what PyTorch's message would put in. */
function plain(text: string): string {
  return Object.entries({ '`{name}`': 'the function', '{count}': 'number n', '{type}': 'dictionary' }).reduce((text, [group, words]) => text.replaceAll(group, words), text)
}

function list(title: string, entries: readonly Entry[]): string {
  return `**${title}**\n\n${entries.map(({ id, title }) => `- [${title}](#${id})`).join('\n')}`
}

async function section(entry: Entry): Promise<string> {
  const error = await failureOf(failureFor(entry, recorded(entry), 'RuntimeError', entry.method === 'trace' ? lineToBlame(entry.id) : undefined))
  return [
    `### <a id="${entry.id}"></a>${entry.title}`,
    `> ${error.what.replaceAll(/[<>]/g, (char) => char === '<' ? '&lt;' : '&gt;')}`,
    `${error.likelyCause!}${entry.fixedIn === undefined ? '' : ` PyTorch ${entry.fixedIn} and later take it.`} ${error.fix!}`,
    ['```diff', ...diff(lines(entry.id, 'before.py'), lines(entry.id, 'after.py')), '```'].join('\n'),
  ].join('\n\n')
}

function lines(id: string, name: 'before.py' | 'after.py'): string[] {
  return read(id, name).text.replaceAll(/ *# <- here/g, '').trimEnd().split('\n')
}

/** The changed lines with some around, as `diff` writes them; `…` for lines left out. */
function diff(before: readonly string[], after: readonly string[]): string[] {
  const all = edits(before, after)
  const near = all.map((_, at) => all.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => !line.startsWith(' ')))
  return all.flatMap((line, at) => near[at] ? [line.trimEnd()] : near[at - 1] || at === 0 ? [' …'] : [])
    .filter((line, at, shown) => !(line === ' …' && (at === 0 || at === shown.length - 1)))
}

/** Lines of both texts, marked as in a diff, by their longest common subsequence. */
function edits(before: readonly string[], after: readonly string[]): string[] {
  const common = Array.from({ length: before.length + 1 }, () => Array.from({ length: after.length + 1 }, () => 0))
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i]![j] = before[i] === after[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!)
    }
  }
  const out: string[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      out.push(` ${before[i]!}`)
      i++
      j++
    } else if (j >= after.length || (i < before.length && common[i + 1]![j]! >= common[i]![j + 1]!)) out.push(`-${before[i++]!}`)
    else out.push(`+${after[j++]!}`)
  }
  return out
}
