import { defineConfig, type ViteUserConfig } from 'vitest/config'
import common from './vitest.config.ts'

/** Specs that need a real PyTorch; `pnpm test:torch`. A first import of torch takes seconds. */
const config: ViteUserConfig = defineConfig({
  resolve: common.resolve!,
  test: { include: ['{src,test}/**/*.torch.spec.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: true, maxWorkers: 2 },
})

export default config
