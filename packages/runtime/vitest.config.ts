import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: { include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'], exclude: ['**/*.torch.spec.ts'], testTimeout: 30_000, hookTimeout: 60_000, maxWorkers: '100%' },
})

export default config
