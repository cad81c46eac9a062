import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, root, work } from './run.mjs'

/** Packs the publishable packages as npm would and returns the tarballs by package folder name. */
export async function packAll() {
  const target = join(work, 'tarballs')
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const tarballs = {}
  for (const name of readdirSync(join(root, 'packages'))) {
    const before = new Set(readdirSync(target))
    await must('pnpm', ['pack', '--pack-destination', target, '--loglevel=error'], { cwd: join(root, 'packages', name) })
    tarballs[name] = join(target, readdirSync(target).find((file) => !before.has(file)))
  }
  return tarballs
}

/** Installs the packed core, with the packed runtime that it checks models with, into a folder outside the workspace; returns the path of its command. */
export async function installPackedCore(tarballs) {
  const target = join(work, 'packed')
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, 'package.json'), '{ "private": true }\n')
  await must('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', tarballs.core, tarballs.runtime], { cwd: target })
  return join(target, 'node_modules/@petaljs/core/dist/cli.js')
}
