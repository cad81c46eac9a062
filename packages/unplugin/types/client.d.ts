/**
 * Types of `?mobile` imports. In a tsconfig: `"types": ["unplugin-petal/client"]`, or in a source file:
 * `/// <reference types="unplugin-petal/client" />`.
 *
 * TypeScript allows one star in a pattern, so an import with directives is typed when the marker, or the `as`, comes last:
 * `./net.pt?block=remove_dropout&mobile`. Among equal patterns the first one wins: `as` comes before the bare marker.
 */
declare module '*?as=url&mobile' {
  const url: string
  export default url
}
declare module '*&as=url&mobile' {
  const url: string
  export default url
}
declare module '*?mobile&as=url' {
  const url: string
  export default url
}
declare module '*&mobile&as=url' {
  const url: string
  export default url
}

declare module '*?as=facts&mobile' {
  const facts: import('../dist/handle.js').ModelFacts
  export default facts
}
declare module '*&as=facts&mobile' {
  const facts: import('../dist/handle.js').ModelFacts
  export default facts
}
declare module '*?mobile&as=facts' {
  const facts: import('../dist/handle.js').ModelFacts
  export default facts
}
declare module '*&mobile&as=facts' {
  const facts: import('../dist/handle.js').ModelFacts
  export default facts
}

declare module '*.py?mobile' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.pt2?mobile' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.pt?mobile' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.pth?mobile' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*.ptl?mobile' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
declare module '*&mobile' {
  const model: import('../dist/handle.js').ModelHandle
  export default model
}
