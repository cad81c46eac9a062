import type { Command } from './arguments.ts'

const json = { about: 'print what happened as JSON' }
const help = { short: 'h', about: 'print this' }
const dir = { value: 'folder', about: "the store; the app's own when left out, as builds choose it" }

const load = (action: 'stats' | 'prune' | 'verify' | 'path' | 'key' | 'exporting' | 'importing'): Command['load'] =>
  async () => (await import('./cache.ts'))[action]

/** What is done with a store from the command line. Folders are apps, whose store it is about. */
export const CACHE_COMMANDS: readonly Command[] = [
  {
    name: 'cache stats', operand: 'folder', isOptional: true, about: 'say what is in the store of compiled models',
    options: { dir, json, help }, load: load('stats'),
  },
  {
    name: 'cache prune', operand: 'folder', isOptional: true, about: 'remove what was not used for long, or is too much',
    options: {
      'max-age': { value: 'age', about: 'what nobody used for so long goes: 12h, 30d; 30d when left out' },
      'max-size': { value: 'size', about: 'beyond it what was used longest ago goes: 500MB, 5GB; 10GB when left out' },
      dir, json, help,
    },
    load: load('prune'),
  },
  {
    name: 'cache verify', operand: 'folder', isOptional: true, about: 'read all of the store, and say what is damaged',
    options: { repair: { about: 'remove what is damaged, so that it is computed again, or restore it where possible' }, dir, json, help },
    load: load('verify'),
  },
  {
    name: 'cache path', operand: 'folder', isOptional: true, about: 'print where the store is',
    options: { dir, json, help }, load: load('path'),
  },
  {
    name: 'cache key', operand: 'folder', isOptional: true,
    about: "print one line for a CI cache's key: the tool, and the models that an app imports",
    options: { json, help }, load: load('key'),
  },
  {
    name: 'cache export', operand: 'archive', about: 'write the store as a tar, the same bytes for the same contents',
    options: {
      'max-age': { value: 'age', about: 'leave out what nobody used for so long: 1h is about what the last build used' }, dir, json, help,
    },
    load: load('exporting'),
  },
  {
    name: 'cache import', operand: 'archive', about: 'take an exported store in; everything in it is compared with its digest',
    options: { dir, json, help }, load: load('importing'),
  },
]
