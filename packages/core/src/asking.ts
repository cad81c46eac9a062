/** What imports ask for, and how they are refused: loaded in a moment, for plugins that may find no model. */
export {
  canonicalRequest, defaultRequest, type GivenDirectives, type Layers, type ModelImport, type ModelRequest, nearest, parseDirectives, parseImport, parseQuery,
  readDirectives, specifierOfAttributes, type Stage, stripDevQuery, type WrittenDirective,
} from './request/index.ts'
export { type ErrorLocation, PetalError, type PetalErrorInit } from './errors.ts'
export { codeFrame, type Mark } from './frame.ts'
export { toolIdentity } from './store/tool.ts'
