import petal from 'unplugin-petal/webpack'

export default {
  entry: './src/main.js',
  output: { publicPath: 'auto', clean: true },
  plugins: [petal()],
}
