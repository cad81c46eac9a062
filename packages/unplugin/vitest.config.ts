import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  // The core of this checkout, built or not.
  resolve: { alias: { '@petaljs/core': fileURLToPath(new URL('../core/src/index.ts', import.meta.url)) } },
  test: { include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'], exclude: ['**/*.torch.spec.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
})

export default config
