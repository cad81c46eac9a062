import { readdir } from 'node:fs/promises'

/** How long a listing is good for: one build asks for many names at once, and a user may install something before the next. */
const FRESH_MS = 1000

/**
 * Versions of the installed distributions, by normalized name, from the names of their folders alone (`torchvision-0.14.1.dist-info`,
 * `.egg-info`). Of several folders the first in Python's order counts.
 */
export function packageVersions(): (sites: readonly string[]) => Promise<ReadonlyMap<string, string>> {
  let last: { key: string; at: number; versions: Promise<ReadonlyMap<string, string>> } | undefined
  return (sites) => {
    const key = sites.join('\0')
    const now = performance.now()
    if (last?.key !== key || now - last.at > FRESH_MS) last = { key, at: now, versions: read(sites) }
    return last.versions
  }
}

async function read(sites: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>()
  for (const site of sites) {
    const names = await readdir(site).catch(() => [])
    for (const name of names.toSorted()) {
      const [, distribution, version] = /^([^-]+(?:-[^-]+)*?)-(\d[^-]*)(?:-py[\d.]+(?:-[^-]+)*)?\.(?:dist|egg)-info$/.exec(name) ?? []
      if (distribution !== undefined && !versions.has(normalized(distribution))) versions.set(normalized(distribution), version!)
    }
  }
  return versions
}

/** As the Python Package Index compares names. */
export function normalized(name: string): string {
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase()
}
