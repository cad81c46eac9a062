import { expect, it } from 'vitest'
import { findImport } from '../src/place.ts'
import { createApp } from './support/app.ts'

it.each([
  ['a quoted specifier before a comment', `// ./net.pt?mobile\nimport net from "./net.pt?mobile"`, 2, 17],
  ['a template', 'const net = import(`./net.pt?mobile`)', 1, 20],
  ['an exact one before a longer one', `import a from './net.pt?mobile&as=url'\nimport b from './net.pt?mobile'`, 2, 15],
  ['a component', `<script>\r\n  import net from './net.pt?mobile'\r\n</script>`, 2, 19],
])('finds %s', async (_, text, line, column) => {
  const app = await createApp({ 'main.js': text })
  expect(await findImport({ file: app.path('main.js'), specifier: './net.pt?mobile' })).toMatchObject({ line, column })
})

it('frames the line and its neighbours', async () => {
  const lines = Array.from({ length: 12 }, (_, n) => (n === 9 ? `import net from './net.pt?mobile'` : `line(${n + 1})`))
  const app = await createApp({ 'main.js': lines.join('\n') })
  const place = await findImport({ file: app.path('main.js'), specifier: './net.pt?mobile' })
  expect(place!.frame).toBe([
    ' 8 |  line(8)',
    ' 9 |  line(9)',
    `10 |  import net from './net.pt?mobile'`,
    '   |                   ^^^^^^^^^^^^^^^',
    '11 |  line(11)',
    '12 |  line(12)',
  ].join('\n'))
})

it('knows nothing of importers that cannot be read or do not say it', async () => {
  const app = await createApp({ 'main.js': 'import.meta.glob("./*.pt", { query: "?mobile" })' })
  expect(await findImport({ file: app.path('main.js'), specifier: './net.pt?mobile' })).toBeUndefined()
  expect(await findImport({ file: app.path('gone.js'), specifier: './net.pt?mobile' })).toBeUndefined()
})
