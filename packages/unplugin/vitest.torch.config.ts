import { defineConfig, type ViteUserConfig } from 'vitest/config'
import common from './vitest.config.ts'

/** Specs that need a real PyTorch; `pnpm test:torch`. A first import of torch takes seconds. */
const config: ViteUserConfig = defineConfig({
  resolve: common.resolve!,
  test: { include: ['test/**/*.torch.spec.ts'], testTimeout: 180_000, hookTimeout: 180_000, maxWorkers: 2 },
})

export default config
