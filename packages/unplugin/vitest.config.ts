import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const config: ViteUserConfig = defineConfig({
  // The core of this checkout and its runtime, built or not. What tests bundle into apps is the built runtime.
  resolve: {
    alias: [
      { find: /^@petaljs\/core\/asking$/, replacement: here('../core/src/asking.ts') },
      { find: /^@petaljs\/core\/scan$/, replacement: here('../core/src/scan/index.ts') },
      { find: /^@petaljs\/core$/, replacement: here('../core/src/index.ts') },
      { find: /^@petaljs\/runtime\/(.+)$/, replacement: `${here('../runtime/src/')}$1.ts` },
    ],
  },
  test: { include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'], exclude: ['**/*.{slow,torch}.spec.ts'], testTimeout: 30_000, hookTimeout: 30_000, maxWorkers: '100%' },
})

export default config
