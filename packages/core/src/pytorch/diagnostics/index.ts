/** What PyTorch says, in words that a user can act on, at the line that caused it. */
export { failureOf } from './failure.ts'
export { explainWarning } from './warnings.ts'
