import { RuntimeError } from '../errors.ts'

/** The error of a file that is no model, or a damaged one. */
export function broken(where: string, why: string): RuntimeError {
  const message = `This is no model that can be run: ${where} cannot be read, as ${why}. Make the file again.`
  return new RuntimeError('BAD_MODEL', message)
}
