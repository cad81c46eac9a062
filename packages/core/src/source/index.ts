export { openFileSource, type FileSource } from './file-source.ts'
export { identifySource } from './identify.ts'
export { refusal, type SourceKind } from './kinds.ts'
