import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** nginx, where there is one; `scripts/setup.mjs` installs Debian's. */
export const NGINX: string | undefined = ['/usr/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'].find((path) => existsSync(path))

/** What a store served by nginx needs; docs/ci.md has it as well. */
const configuration = (home: string, port: number, token: string): string => `
daemon off; master_process off; pid ${home}/nginx.pid; error_log stderr crit;
events {}
http {
  access_log ${home}/access.log;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/fastcgi; uwsgi_temp_path ${home}/uwsgi; scgi_temp_path ${home}/scgi;
  map $http_authorization $reads { default 0; "Bearer ${token}" 1; "Bearer reader" 1; }
  map $http_authorization $writes { default 0; "Bearer ${token}" 1; }
  server {
    listen 127.0.0.1:${port};
    location /petal/ {
      root ${home}/files;
      if ($reads = 0) { return 401; }
      set $refused $request_method$writes;
      if ($refused = PUT0) { return 403; }
      dav_methods PUT; create_full_put_path on; client_max_body_size 2g;
    }
    location /broken/ { return 503; }
  }
}
`

/** A running nginx. */
export interface Nginx {
  /** Of the store: `http://127.0.0.1:…/petal`. */
  readonly url: string
  /** Its token, which may read and write; `reader` may read. */
  readonly token: string
  /** Where its files are, `ac/` and `cas/`. */
  readonly files: string
  /** A line for each request: `GET /petal/ac/… 200`. */
  readonly log: string
  stop(): Promise<void>
}

/** Starts nginx as a remote store, with WebDAV's PUT, on a free port. */
export async function startNginx(): Promise<Nginx> {
  const home = await mkdtemp(join(tmpdir(), 'petal-nginx-'))
  await mkdir(join(home, 'files/petal'), { recursive: true })
  const port = await freePort()
  const token = 'writer'
  await writeFile(join(home, 'nginx.conf'), configuration(home, port, token))
  const child = spawn(NGINX!, ['-p', home, '-c', join(home, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] })
  const url = `http://127.0.0.1:${port}/petal`
  for (let tries = 0; tries < 200; tries++) {
    if (await fetch(url).then(() => true, () => false)) break
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return {
    url, token, files: join(home, 'files/petal'), log: join(home, 'access.log'),
    async stop() {
      if (child.exitCode === null) {
        const exit = once(child, 'exit')
        child.kill('SIGTERM')
        await exit
      }
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
