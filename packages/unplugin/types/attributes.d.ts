/**
 * Types of imports with attributes: `import net from './net.pt' with { type: 'mobile' }`. In a tsconfig:
 * `"types": ["unplugin-petal/client", "unplugin-petal/attributes"]`.
 *
 * TypeScript does not tell imports apart by their attributes, so every import of such a file is a handle: one with `as: 'url'` is better written
 * with a query.
 */
declare module '*.py' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.pt2' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.pt' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.pth' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.ptl' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
