import { defineConfig, type ViteUserConfig } from 'vitest/config'
import common from './vitest.config.ts'

/** Specs that take seconds each, as they start whole builds, browsers and compilers; `pnpm test:slow`. */
const config: ViteUserConfig = defineConfig({
  resolve: common.resolve!,
  test: { include: ['{src,test}/**/*.slow.spec.ts'], testTimeout: 30_000, hookTimeout: 30_000, maxWorkers: '100%' },
})

export default config
