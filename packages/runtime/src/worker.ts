import { RuntimeError, toMessage } from './errors.ts'
import { families } from './families.ts'
import { openModel } from './open.ts'
import { buffersOf } from './outputs.ts'
import { reporter } from './progress.ts'
import { type CallResult, createSession, type Session, type SessionInfo } from './session.ts'
import type { Reply, Request } from './worker-protocol.ts'

// The thread of one model: download, verification, preparation and runs. It is one file with all operators, because bundlers build
// workers on their own, some of them without code splitting.

interface Scope {
  addEventListener(type: 'message', listener: (event: { data: Request }) => void): void
  postMessage(message: Reply, transfer: Transferable[]): void
}

const scope = globalThis as unknown as Scope
let session: Session | undefined

scope.addEventListener('message', ({ data: request }) => {
  void answer(request)
})

async function answer(request: Request): Promise<void> {
  const { id } = request
  try {
    const [value, transfer] = await carryOut(request)
    scope.postMessage({ id, value }, transfer)
  } catch (error) {
    scope.postMessage({ id, error: toMessage(error) }, [])
  }
}

async function carryOut(request: Request): Promise<[SessionInfo | CallResult | undefined, Transferable[]]> {
  if ('open' in request) {
    const { source, known, cache, keep } = request.open
    // To give up, the page ends the worker.
    const { signal } = new AbortController()
    const report = reporter((progress) => scope.postMessage({ progress }, []))
    session = await createSession(await openModel(source, families, { cache, keep, signal, report }), known)
    return [session.info, []]
  }
  if (!session) throw new RuntimeError('WORKER', 'The worker has no model yet.')
  if ('reset' in request) return [await session.reset().then(() => undefined), []]
  const result = await session.call(request.call, false)
  return [result, result.outputs.flatMap(([, output]) => buffersOf(output))]
}
