import { defineConfig, type UserConfig } from 'tsdown'

const config: UserConfig = defineConfig({
  entry: { index: 'src/index.ts', handle: 'src/handle.ts', vite: 'src/vite.ts', webpack: 'src/webpack.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: { oxc: true },
  fixedExtension: false,
})

export default config
