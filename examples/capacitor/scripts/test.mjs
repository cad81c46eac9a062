// Adds both native projects, syncs the web app into them twice, and compares every file: what the phone gets is what Vite made.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const NATIVE = { android: 'android/app/src/main/assets/public', ios: 'ios/App/App/public' }
/** What Capacitor adds of its own. */
const OWN = new Set(['cordova.js', 'cordova_plugins.js'])

const cap = (...args) => execFileSync(process.execPath, [join(root, 'node_modules/@capacitor/cli/bin/capacitor'), ...args], {
  cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CI: 'true' },
})
const files = (folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile()).toSorted()

const web = join(root, 'www')
const built = files(web)
assert.ok(built.some((name) => name.endsWith('.ptl')), 'the web app has no model: build it first')
for (const [platform, folder] of Object.entries(NATIVE)) {
  rmSync(join(root, platform), { recursive: true, force: true })
  cap('add', platform)
  cap('sync', platform)
  const target = join(root, folder)
  assert.deepEqual(files(target).filter((name) => !OWN.has(name)), built, `${platform} has other files`)
  for (const name of built) assert.ok(readFileSync(join(target, name)).equals(readFileSync(join(web, name))), `${platform}: ${name} differs`)
  console.log(`${platform}: ${built.length} files, byte for byte; ${built.filter((name) => name.endsWith('.ptl')).join(', ')} among them`)
}
