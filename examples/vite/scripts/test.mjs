// Draws digits on the built page, on a screen as large as a phone's, and reads the answers.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { preview } from 'vite'

const executablePath = [process.env.PETAL_CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
if (!executablePath) {
  console.log('SKIPPED: no Chromium; name one in PETAL_CHROMIUM')
  process.exit(process.env.CI ? 1 : 0)
}

/** Strokes as one draws them, in parts of the square. */
const DIGITS = {
  0: [[[0.5, 0.15], [0.33, 0.28], [0.28, 0.5], [0.33, 0.72], [0.5, 0.85], [0.67, 0.72], [0.72, 0.5], [0.67, 0.28], [0.5, 0.15]]],
  1: [[[0.5, 0.12], [0.5, 0.88]]],
  3: [[[0.35, 0.25], [0.5, 0.18], [0.65, 0.28], [0.62, 0.42], [0.5, 0.5], [0.66, 0.58], [0.68, 0.72], [0.5, 0.82], [0.33, 0.74]]],
  7: [[[0.3, 0.18], [0.7, 0.18], [0.45, 0.85]]],
}

const server = await preview({ root: fileURLToPath(new URL('..', import.meta.url)), logLevel: 'error', preview: { port: 0, host: '127.0.0.1' } })
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
try {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(server.resolvedUrls.local[0])
  await page.getByText('Ready: draw a digit.').waitFor()
  const { x, y, width, height } = await page.locator('canvas.pad').boundingBox()
  for (const [digit, strokes] of Object.entries(DIGITS)) {
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.locator('.answer', { hasText: '?' }).waitFor()
    for (const [first, ...points] of strokes) {
      await page.mouse.move(x + first[0] * width, y + first[1] * height)
      await page.mouse.down()
      for (const [px, py] of points) await page.mouse.move(x + px * width, y + py * height, { steps: 5 })
      await page.mouse.up()
    }
    await page.locator('.answer', { hasText: digit }).waitFor({ timeout: 5000 })
  }
  assert.match(await page.locator('.time').textContent(), /^\d+\.\d ms per run/)
  assert.deepEqual(errors, [])
  console.log(`${Object.keys(DIGITS).join(', ')}: read as drawn; ${await page.locator('.time').textContent()}`)
} finally {
  await browser.close()
  await server.close()
}
