/** Types of what imports give; they are the runtime's. */
export type {
  ImageSpec, Input, LoadOptions, LoadProgress, Method, MethodTypes, Model, ModelCheck, ModelConversion, ModelFacts, ModelHandle, ModelOptimization,
  ModelPort, ModelRuntime, ModelSignature, ModelSource, ModelUnsupported, Output, TensorData, TensorInput, TensorValue,
} from '@petaljs/runtime/handle'
