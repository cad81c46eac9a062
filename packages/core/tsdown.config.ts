import { defineConfig, type UserConfig } from 'tsdown'

const config: UserConfig = defineConfig({
  entry: { index: 'src/index.ts', compiler: 'src/compiler/index.ts', asking: 'src/asking.ts', scan: 'src/scan/index.ts', cli: 'src/cli/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: { oxc: true },
  fixedExtension: false,
  // The Python side is shipped as it is; pytorch/create.ts finds it beside the code.
  copy: ({ outDir }) => [
    { from: 'src/pytorch/worker/main.py', to: `${outDir}/worker` },
    { from: 'src/pytorch/worker/petal_worker/*.py', to: `${outDir}/worker/petal_worker` },
  ],
})

export default config
