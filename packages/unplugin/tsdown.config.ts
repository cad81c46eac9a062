import { defineConfig, type UserConfig } from 'tsdown'

const config: UserConfig = defineConfig({
  entry: ['index', 'handle', 'vite', 'rollup', 'rolldown', 'webpack', 'rspack', 'rsbuild', 'esbuild', 'bun'].map((name) => `src/${name}.ts`),
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: { oxc: true },
  fixedExtension: false,
})

export default config
