// WebKitGTK through its W3C WebDriver, on a display of its own (Xvfb): the engine family of iOS. Needs Debian's webkit2gtk-driver and xvfb.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const DRIVER = '/usr/bin/WebKitWebDriver'
const XVFB = '/usr/bin/Xvfb'
const LIBRARIES = '/usr/lib'

/** The test browser that comes with the library; it is in no folder of commands. */
function findMiniBrowser() {
  const folders = existsSync(LIBRARIES) ? readdirSync(LIBRARIES).filter((name) => name.endsWith('-linux-gnu')) : []
  return folders.flatMap((folder) => ['webkitgtk-6.0', 'webkit2gtk-4.1', 'webkit2gtk-4.0'].map((name) => join(LIBRARIES, folder, name, 'MiniBrowser'))).find(existsSync)
}

/** Whether a WebKitGTK can be driven on this machine. */
export function hasWebKit() {
  return existsSync(DRIVER) && existsSync(XVFB) && findMiniBrowser() !== undefined
}

/**
 * Starts a WebKitGTK and gives { open(url), call(expression), close() }: `call` resolves to the JSON value of a promise in the page,
 * or rejects with its error.
 */
export async function startWebKit() {
  const home = mkdtempSync(join(tmpdir(), 'petal-webkit-'))
  const xvfb = spawn(XVFB, ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const display = await new Promise((found, fail) => {
    xvfb.on('error', fail)
    xvfb.on('close', () => fail(new Error('Xvfb ended before it had a display')))
    xvfb.stdio[3].on('data', (data) => found(String(data).trim()))
  })
  const port = await freePort()
  const env = { ...process.env, DISPLAY: `:${display}`, HOME: home, XDG_RUNTIME_DIR: home, GDK_BACKEND: 'x11', LIBGL_ALWAYS_SOFTWARE: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1' }
  const driver = spawn(DRIVER, [`--port=${port}`], { env, stdio: 'ignore' })
  const end = () => {
    driver.kill()
    xvfb.kill()
    rmSync(home, { recursive: true, force: true, maxRetries: 3 })
  }

  async function request(method, path, body) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...body ? { body: JSON.stringify(body) } : {} })
    const { value } = await response.json()
    if (!response.ok) throw new Error(`WebDriver: ${value?.error}: ${value?.message}`)
    return value
  }

  try {
    await untilUp(() => request('GET', '/status'))
    const { sessionId } = await request('POST', '/session', {
      capabilities: { alwaysMatch: {
        timeouts: { script: 900_000, pageLoad: 120_000 },
        'webkitgtk:browserOptions': { binary: findMiniBrowser(), args: ['--automation'] },
      } },
    })
    const session = `/session/${sessionId}`
    return {
      open: (url) => request('POST', `${session}/url`, { url }),
      async call(expression) {
        const script = `const done = arguments[arguments.length - 1]
          Promise.resolve().then(() => ${expression}).then((value) => done({ value }), (error) => done({ error: String(error) + '\\n' + (error?.stack ?? '') }))`
        const { value, error } = await request('POST', `${session}/execute/async`, { script, args: [] })
        if (error !== undefined) throw new Error(error)
        return value
      },
      async close() {
        await request('DELETE', session).catch(() => {})
        end()
      },
    }
  } catch (error) {
    end()
    throw error
  }
}

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer().on('error', fail).listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

async function untilUp(ask) {
  for (let i = 0; ; i++) {
    try {
      return await ask()
    } catch (error) {
      if (i === 50) throw error
      await sleep(100)
    }
  }
}
