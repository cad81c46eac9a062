/** The one error class, as code outside of the compiler imports it. */
export { PetalError, type ErrorLocation, type PetalErrorInit } from './compiler/errors.ts'
