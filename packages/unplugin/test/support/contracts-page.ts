import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { BUNDLERS } from './bundler.ts'
import { CONTRACTS, ruleFor } from './contracts.ts'

/** The page; between its two marks is the table. */
export const PAGE: string = fileURLToPath(new URL('../../../../docs/bundlers.md', import.meta.url))

const MARKED = /(?<=<!-- contracts -->\n)[^]*(?=<!-- \/contracts -->)/

/** The text of docs/bundlers.md with the table that is true now. */
export async function contractsPage(): Promise<string> {
  const page = await readFile(PAGE, 'utf8')
  return page.replace(MARKED, () => contractsTable())
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** What tests hold each bundler to, and where one of them differs. */
function contractsTable(): string {
  const notes: string[] = []
  const cell = (why: string | undefined): string => {
    if (why === undefined) return '✓'
    if (!notes.includes(why)) notes.push(why)
    return `note ${notes.indexOf(why) + 1}`
  }
  const table = [
    row(['', ...BUNDLERS.map(({ name }) => name)]),
    row(['---', ...BUNDLERS.map(() => '---')]),
    ...CONTRACTS.map((contract) => row([contract.title, ...BUNDLERS.map((bundler) => cell(ruleFor(contract, bundler).why))])),
  ].join('\n')
  return `\n${table}\n\n${notes.map((note, n) => `${n + 1}. ${note}`).join('\n')}\n`
}
