import { PetalError } from '../errors.ts'

/** What a file turned out to be. `torchscript` and `lite` can be used, all others have a {@link refusal}. */
export type SourceKind =
  | { readonly kind: 'torchscript' | 'lite' }
  /** A whole module, pickled by torch.save; `className` is the class it needs, where it could be found out. */
  | { readonly kind: 'checkpoint'; readonly className?: string }
  | { readonly kind: 'truncated'; readonly bytes: number }
  | { readonly kind: 'unknown'; readonly magic: string }
  /** Words in place of a model; `line` is how they begin. */
  | { readonly kind: 'text'; readonly line: string }
  | { readonly kind: PlainKind }

export type PlainKind =
  | 'state-dict' | 'pickled-data' | 'pickle' | 'exported-program' | 'torch-package' | 'old-torchscript'
  | 'safetensors' | 'onnx' | 'gguf' | 'tflite' | 'hdf5' | 'numpy' | 'npz'
  | 'zip' | 'gzip' | 'tar' | 'python' | 'json' | 'html' | 'lfs-pointer' | 'empty'

// Most who import a model have not made it and know no Python: first what to ask for, then how it is done. {name} is the file's.
const SAVE_SCRIPT = 'Ask whoever made it for a TorchScript file, or make one in Python: load the model and save it with'
  + ' torch.jit.script(model).save("model.pt") or torch.jit.trace(model, example).save("model.pt").'
const GIVE_AS_WEIGHTS = 'Import the model\'s Python file and give it these weights, "./net.py?mobile&weights=./{name}"; without that file, ask'
  + ' whoever made it for a TorchScript file.'
const PUT_INTO_MODEL = 'Ask whoever made it for a TorchScript file, or make one in Python: construct the model, give it the weights'
  + ' with load_state_dict(), and save it with torch.jit.script(model).save("model.pt").'
const ASK_FOR_ORIGINAL = 'Ask for the PyTorch model it was made from, saved with torch.jit.script(model).save("model.pt").'

/** One clear error; `what` follows the file's name. */
interface Refusal {
  readonly code: string
  readonly what: string
  readonly cause: string
  readonly fix: string
}

/** By kind. */
const REFUSALS: Readonly<Record<Exclude<SourceKind['kind'], 'torchscript' | 'lite'>, Refusal>> = {
  'checkpoint': {
    code: 'EAGER_CHECKPOINT', what: 'is a pickled Python module, not a TorchScript model',
    cause: 'It was saved with torch.save(model), which keeps the weights and the name of the class but not its code; reading it can run any code.',
    fix: 'Import the model\'s Python file with a state dict, "./net.py?mobile&weights=./weights.pth". If you know where this file comes from,'
      + ' "./{name}?mobile&trust" reads it; its classes must be importable beside it.',
  },
  'state-dict': {
    code: 'STATE_DICT', what: 'holds the weights of a model (a state dict), not the model',
    cause: 'It was saved with torch.save(model.state_dict()), which keeps no code.',
    fix: GIVE_AS_WEIGHTS,
  },
  'pickled-data': {
    code: 'NOT_A_MODEL', what: 'was saved by torch.save and holds tensors or plain values, no model',
    cause: 'It is a data file or a training checkpoint.',
    fix: PUT_INTO_MODEL,
  },
  'exported-program': {
    code: 'EXPORTED_PROGRAM', what: 'is a program of torch.export (.pt2), not a TorchScript model',
    cause: 'PyTorch can convert it, but its loader evaluates expressions in the file and unpickles it, which can run any code.',
    fix: 'If you know where it comes from, "./{name}?mobile&trust" converts it where PyTorch 2 is found; else ask whoever made it for a'
      + ' TorchScript file.',
  },
  'torch-package': {
    code: 'TORCH_PACKAGE', what: 'is a torch.package archive, not a TorchScript model',
    cause: 'It holds Python source, which needs Python to run.',
    fix: SAVE_SCRIPT,
  },
  'old-torchscript': {
    code: 'OLD_TORCHSCRIPT', what: 'is a TorchScript model in the format before PyTorch 1.3',
    cause: 'It describes its tensors in model.json, which newer versions replaced.',
    fix: 'Load it with torch.jit.load in PyTorch 1.4 to 1.9 and save it again; later ones no longer read it either.',
  },
  'safetensors': {
    code: 'SAFETENSORS', what: 'holds weights in the safetensors format, not a model',
    cause: 'A safetensors file has tensors and their names, but no code.',
    fix: GIVE_AS_WEIGHTS,
  },
  'lfs-pointer': {
    code: 'LFS_POINTER', what: 'is a Git LFS pointer, not the model itself',
    cause: 'The repository keeps the model in Git LFS and it was not downloaded.',
    fix: 'Run "git lfs install" and "git lfs pull".',
  },
  'html': {
    code: 'HTML_PAGE', what: 'is an HTML page, not a model',
    cause: 'A download page, a log-in page or an error page was saved in place of the file.',
    fix: 'Download the file itself ("raw" or "resolve" link) and try again.',
  },
  'empty': {
    code: 'EMPTY_FILE', what: 'is empty',
    cause: 'A download or a copy failed.',
    fix: 'Get the file again.',
  },
  'truncated': {
    code: 'TRUNCATED_ARCHIVE', what: 'is a model archive whose end is missing',
    cause: 'A download or a copy was interrupted.',
    fix: 'Get the file again and compare its size with the original.',
  },
  'onnx': {
    code: 'ONNX_MODEL', what: 'is an ONNX model, not a TorchScript model',
    cause: 'It was made by torch.onnx.export or another program.',
    fix: ASK_FOR_ORIGINAL,
  },
  'gguf': {
    code: 'GGUF_MODEL', what: 'is a GGUF model, not a TorchScript model',
    cause: 'It was made for llama.cpp and its relatives.',
    fix: ASK_FOR_ORIGINAL,
  },
  'tflite': {
    code: 'TFLITE_MODEL', what: 'is a TensorFlow Lite model, not a TorchScript model',
    cause: 'It was made for another runtime.',
    fix: ASK_FOR_ORIGINAL,
  },
  'numpy': {
    code: 'NUMPY_FILE', what: 'is a NumPy array, not a model',
    cause: 'It was saved with numpy.save.',
    fix: PUT_INTO_MODEL,
  },
  'npz': {
    code: 'NUMPY_FILE', what: 'holds NumPy arrays, not a model',
    cause: 'It was saved with numpy.savez.',
    fix: PUT_INTO_MODEL,
  },
  'hdf5': {
    code: 'HDF5_FILE', what: 'is an HDF5 file, as Keras writes them, not a TorchScript model',
    cause: 'It was made by another program.',
    fix: ASK_FOR_ORIGINAL,
  },
  'zip': {
    code: 'NOT_A_MODEL', what: 'is a zip archive without a model in it',
    cause: 'It may be a compressed folder that holds the model file.',
    fix: 'Unpack it and import the .pt file inside, which is a zip archive of its own.',
  },
  'gzip': {
    code: 'COMPRESSED_FILE', what: 'is compressed with gzip',
    cause: 'Model files are archives already.',
    fix: 'Unpack it with gunzip (or tar -xzf) and import the model file inside.',
  },
  'tar': {
    code: 'TAR_ARCHIVE', what: 'is a tar archive, not a TorchScript model',
    cause: 'It holds the model among other files, or is a checkpoint of PyTorch 0.1.',
    fix: 'Unpack it and import the model file inside.',
  },
  'python': {
    code: 'PYTHON_SOURCE', what: 'is Python source, not a saved model',
    cause: 'Its name does not end in .py, so it was taken for a file that PyTorch saved.',
    fix: 'Rename it to net.py and import that, or name the file that the script saves with torch.jit.save.',
  },
  'json': {
    code: 'NOT_A_MODEL', what: 'is a JSON text, not a model',
    cause: 'A description or an error message was saved in place of the model.',
    fix: 'Name the model file that belongs to it.',
  },
  'pickle': {
    code: 'PYTHON_PICKLE', what: 'is an ordinary Python pickle, not a TorchScript model',
    cause: 'It was saved with pickle or joblib; nothing in it was run.',
    fix: SAVE_SCRIPT,
  },
  'unknown': {
    code: 'NOT_A_MODEL', what: 'is no model that is known here',
    cause: 'The file is damaged or of another program: TorchScript files are zip archives and begin with 50 4b 03 04.',
    fix: 'Get the file again, or ask whoever made it for a TorchScript file, which torch.jit.save writes.',
  },
  'text': {
    code: 'NOT_A_MODEL', what: 'is a text, not a model',
    cause: 'A message of a server or a description was saved in place of the model.',
    fix: 'Open it in an editor to see what it says, then get the model itself.',
  },
}

/** The one clear error for a file that cannot be used. `name` is how the user calls it. */
export function refusal(kind: SourceKind, name: string): PetalError {
  if (kind.kind === 'torchscript' || kind.kind === 'lite') throw new Error(`${name} is a model`)
  const { code, what, cause, fix } = REFUSALS[kind.kind]
  return new PetalError({ code, cause, fix: fix.replaceAll('{name}', name), message: `${name} ${what}${details(kind)}.` })
}

function details(kind: SourceKind): string {
  switch (kind.kind) {
    case 'checkpoint': return kind.className === undefined ? '' : ` (its class is ${kind.className})`
    case 'truncated': return ` (it has ${kind.bytes} bytes)`
    case 'text': return `: "${kind.line}"`
    case 'unknown': return ` (it begins with ${kind.magic})`
    default: return ''
  }
}
