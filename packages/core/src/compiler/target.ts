/** The engines that a model is compiled for. */
export type BackendName = 'cpu' | 'vulkan' | 'metal'

/**
 * The files that come out: `ptl` is a zip archive with bytecode for the lite interpreter, `flatbuffer` the same as one flatbuffer, and
 * `torchscript` an archive with code for the full interpreter, what `torch.jit.load` reads.
 */
export type Format = 'ptl' | 'flatbuffer' | 'torchscript'

/** Versions of PyTorch Mobile that apps link. */
export type RuntimeVersion = '1.9' | '1.10' | '1.11' | '1.12' | '1.13' | '2.0' | '2.1'

/** Versions of bytecode; 9 is the flatbuffer's. */
export type BytecodeVersion = 4 | 5 | 6 | 7 | 8 | 9
