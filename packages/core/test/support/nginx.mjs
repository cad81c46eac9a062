// nginx as a remote store, configured as examples/ci/nginx.conf tells users to.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const EXAMPLE = join(import.meta.dirname, '../../../../examples/ci/nginx.conf')

const PLACES = ['/usr/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx']

export const findNginx = () => PLACES.find((path) => existsSync(path))

export async function startNginx() {
  const home = await mkdtemp(join(tmpdir(), 'petal-nginx-'))
  const root = join(home, 'store')
  await mkdir(join(root, 'petal'), { recursive: true })
  const port = await freePort()
  const server = (await readFile(EXAMPLE, 'utf8')).replace('listen 8080', `listen 127.0.0.1:${port}`).replace('root /srv/store', `root ${root}`)
    .replace('location /petal/', 'location /broken/ { return 503; }\n  location /petal/')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${home}/${name};`).join(' ')
  await writeFile(join(home, 'nginx.conf'), [
    `daemon off; master_process off; pid ${home}/nginx.pid; error_log stderr crit;`, 'events {}', `http { access_log ${home}/access.log; ${temporary}`, server, '}',
  ].join('\n'))
  const child = spawn(findNginx(), ['-p', home, '-c', join(home, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] })
  const url = `http://127.0.0.1:${port}/petal`
  while (child.exitCode === null && !await fetch(url).then(() => true, () => false)) await new Promise((resolve) => setTimeout(resolve, 25))
  if (child.exitCode !== null) throw new Error(`nginx ended with exit code ${child.exitCode}`)
  return {
    url, writer: 'writer-token', reader: 'reader-token', files: join(root, 'petal'), log: join(home, 'access.log'),
    async stop() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
