/** Files that imports of models are looked for in. What only declares types imports nothing. */
export const SOURCE_FILE: RegExp = /(?<!\.d|\.d\.\w+)\.(?:[cm]?[jt]sx?|vue|svelte|html?|astro)$/i

/** A text that is JavaScript, or TypeScript, from its first to its last character, and as long as the file. */
export interface Script {
  readonly text: string
  readonly hasJsx: boolean
}

const MARKUP = /\.(?:vue|svelte|html?|astro)$/i
const COMMENT = /<!--[\s\S]*?-->/g
const SCRIPT = /(<script\b(?:[^>"']|"[^"]*"|'[^']*')*>)([\s\S]*?)<\/script\s*>/gi
const FRONTMATTER = /^(\s*---\r?\n)([\s\S]*?)\r?\n---/

/** The scripts of a source file. What is not script is blank, so that lines and columns are the file's. */
export function scriptsOf(file: string, text: string): Script[] {
  if (!MARKUP.test(file)) return [{ text, hasJsx: !/\.[cm]?ts$/i.test(file) }]
  const markup = text.replaceAll(COMMENT, blank)
  const scripts = [...markup.matchAll(SCRIPT)].map((match): Script => {
    const [, tag = '', body = ''] = match
    return { text: placed(text, match.index + tag.length, body), hasJsx: /\blang\s*=\s*["']?[jt]sx/i.test(tag) }
  })
  const front = /\.astro$/i.test(file) ? FRONTMATTER.exec(text) : null
  return front ? [{ text: placed(text, front[1]!.length, front[2]!), hasJsx: false }, ...scripts] : scripts
}

const blank = (text: string): string => text.replaceAll(/[^\r\n]/g, ' ')

const placed = (text: string, at: number, body: string): string => blank(text.slice(0, at)) + body
