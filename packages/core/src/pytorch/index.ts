/** Real PyTorch as the engine that turns Python sources into TorchScript. */
export { createPyTorch, type PyTorchOptions } from './create.ts'
export type {
  CheckFact, Conversion, ConversionControl, ConversionFacts, ConversionJob, Engine, EngineIdentity, QuantizationFact, Warning,
} from './engine.ts'
