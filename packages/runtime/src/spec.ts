/** What can be told of models without running any: it is loaded quickly. For programs that build apps. */
export { completeImageSpec, type ImageSpec } from './image-spec.ts'
export { parseScriptType, type ScriptType } from './script-type.ts'
