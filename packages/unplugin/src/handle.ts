/** Types of what imports give; they are the runtime's. */
export type {
  ImageSpec, LoadOptions, LoadProgress, Model, ModelCheck, ModelConversion, ModelFacts, ModelHandle, ModelOptimization, ModelPort, ModelRuntime,
  ModelSignature, ModelSource, ModelUnsupported,
} from '@petaljs/runtime/handle'
