import { PetalError } from '../../src/errors.ts'

/** The PetalError that `body` throws; anything else that is thrown goes through. */
export function refusalOf(body: () => unknown): PetalError {
  try {
    body()
  } catch (error) {
    if (error instanceof PetalError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
