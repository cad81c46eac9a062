import petal from 'unplugin-petal/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  plugins: [petal()],
})
