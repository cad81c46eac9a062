import { createUnplugin, type UnpluginInstance } from 'unplugin'

/** Another plugin, as apps have many: specifier -> text of a module that is no file. */
export const virtualModules: UnpluginInstance<Record<string, string> | undefined, false> = createUnplugin<Record<string, string> | undefined, false>(
  (modules = {}) => ({
    name: 'other-plugin',
    enforce: 'pre',
    resolveId: (id) => (id in modules ? `\0${id}` : undefined),
    load: (id) => modules[id.replace(/^\0/, '')],
  }),
)
