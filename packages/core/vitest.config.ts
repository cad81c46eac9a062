import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** The runtime of this checkout, built or not. */
const runtime: string = fileURLToPath(new URL('../runtime/src/', import.meta.url))

const config: ViteUserConfig = defineConfig({
  resolve: { alias: [{ find: /^@petaljs\/runtime\/(.+)$/, replacement: `${runtime}$1.ts` }] },
  test: { include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'], exclude: ['test/differential/**', '**/*.{slow,torch}.spec.ts'], testTimeout: 30_000, hookTimeout: 30_000, maxWorkers: '100%' },
})

export default config
