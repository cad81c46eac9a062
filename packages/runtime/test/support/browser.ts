import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const CANDIDATES = [
  process.env['PETAL_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** A Chromium of this machine; undefined when there is none, which in CI is an error. */
export const chromiumPath: string | undefined = CANDIDATES.find((path) => path !== undefined && existsSync(path))

if (!chromiumPath) {
  const message = 'There is no Chromium here (set PETAL_CHROMIUM to one), so nothing is tested in a browser.'
  if (process.env['CI']) throw new Error(message)
  console.warn(`\n  SKIPPED: ${message}\n`)
}

/** A name of this machine that browsers do not take for a secure origin, as they do 127.0.0.1. */
export const INSECURE_HOST = 'petal-insecure.test'

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--no-first-run', `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
    ],
  })
}
