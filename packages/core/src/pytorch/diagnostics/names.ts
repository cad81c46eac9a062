import type { Entry } from './entry.ts'

/** `self.` and a name for a value that is used as `code`: `self.SOS_token`, `self._decoder_n_layers`. */
function attributeFor(code: string): string {
  return code.includes('.') ? `_${code.replaceAll('.', '_')}` : code
}

/** Names that are outside of the model, or that TorchScript cannot use. */
export const NAMES: readonly Entry[] = [
  {
    id: 'cuda-available',
    title: 'The machine is asked for a GPU in forward',
    pattern: /attribute lookup is not defined on python value of type 'module'/,
    place: /torch[/\\]cuda[/\\]/,
    cause: 'What torch.cuda tells about this machine is Python code that TorchScript cannot compile, and the app runs on other machines.',
    fix: 'Take the device from an input instead: `device=x.device`.',
  },
  {
    id: 'module-attribute',
    title: 'An object outside of the model is asked for an attribute',
    pattern: /attribute lookup is not defined on python value of type '(?<type>[^']+)'/,
    cause: ({ groups, marked }) => `TorchScript compiles the model alone, and \`${marked || 'this'}\` belongs to a \`${groups['type']}\` that is not in it, but in a variable of the file.`,
    fix: ({ marked }) => marked === ''
      ? 'Pass the value to the constructor, store it (`self._n_layers = n_layers`), and use the stored one in forward.'
      : `Pass the value to the constructor (\`${attributeFor(marked).slice(1)}\`), store it (\`self.${attributeFor(marked)} = ${attributeFor(marked).slice(1)}\`), `
        + `and write \`self.${attributeFor(marked)}\` in place of \`${marked}\`.`,
  },
  {
    id: 'function-table',
    title: 'A global dictionary is used',
    pattern: /python value of type 'dict' cannot be used as a value/,
    cause: 'TorchScript compiles the model alone: it has neither global dictionaries nor variables that hold one of several functions.',
    fix: ({ marked }) => `Look it up in the constructor (\`self.chosen = ${marked || 'TABLE'}[name]\`) and use \`self.chosen\` in forward.`,
  },
  {
    id: 'global-value',
    title: 'A global variable is used',
    pattern: /python value of type '(?<type>[^']+)' cannot be used as a value/,
    cause: ({ groups, marked }) => `TorchScript compiles the model alone, and \`${marked || 'this'}\` is a variable of the file (${groups['type']}).`,
    fix: ({ marked }) => marked === ''
      ? 'Store the value in the constructor (`self.value = value`) and use the stored one in forward.'
      : `Store it in the constructor (\`self.${attributeFor(marked)} = ${marked}\`) and write \`self.${attributeFor(marked)}\` in place of \`${marked}\`.`,
  },
  {
    id: 'numpy-call',
    title: 'NumPy computes in forward',
    pattern: /cannot create weak reference to 'numpy\.ufunc' object|<ufunc '/,
    find: String.raw`\b(?:np|numpy)\.\w+\(`,
    cause: 'TorchScript knows PyTorch\'s functions and those of `math`, not NumPy\'s.',
    fix: 'Use `math` for numbers (`math.sqrt(n)`) and `torch` for tensors (`torch.sqrt(x)`) in place of `np`.',
  },
  {
    id: 'from-numpy',
    title: 'NumPy makes a constant in forward',
    pattern: /Python builtin <built-in (?:function|method) (?<name>\w+)/,
    place: /[/\\]numpy[/\\]|\b(?:np|numpy)\./,
    cause: 'TorchScript cannot compile NumPy\'s functions.',
    fix: 'Make the constant in the constructor (`self.window = torch.from_numpy(…)`), and use `self.window` in forward.',
  },
  {
    id: 'tensor-to-numpy',
    title: 'A tensor is given to NumPy',
    pattern: /'Tensor(?: \(inferred\))?' object has no attribute or method '(?<name>numpy|__array__)'/,
    cause: 'There is no NumPy where the model runs.',
    fix: ({ marked }) => `Do with \`torch\` what is done with the array, on \`${marked.replace(/\.\w+$/, '') || 'the tensor'}\` itself, or in the app with the model's output.`,
  },
  {
    id: 'next-parameter',
    title: 'next() is called',
    pattern: /Python builtin <built-in function (?:next|iter)> is currently not supported/,
    cause: 'TorchScript has no iterators; `next(self.parameters())` is mostly written to learn a dtype or a device.',
    fix: 'Ask a tensor that is there: `self.linear.weight.dtype`, or `x.device`.',
  },
  {
    id: 'autograd-function',
    title: 'A torch.autograd.Function is applied',
    pattern: /<built-in method apply of FunctionMeta|Expression of type dots cannot be used in a type expression/,
    place: /torch[/\\]autograd[/\\]|\.apply\(/,
    cause: 'A `torch.autograd.Function` is Python code with a gradient of its own, and TorchScript cannot compile it.',
    fix: ({ marked }) => `Write in forward what \`${marked.replace(/\.apply$/, '') || 'it'}.forward\` computes, with PyTorch's functions: running a model needs no gradients.`,
  },
  {
    id: 'library-function',
    title: 'A function of Python\'s library is called',
    pattern: /Python builtin <built-in (?:function|method) (?<name>\w+)/,
    cause: 'TorchScript knows PyTorch\'s functions and those of `math`, not `{name}`.',
    fix: 'Compute it with `torch` (`torch.rand(1)` for a random number), or in the constructor, or leave it to the app.',
  },
  {
    id: 'map-filter',
    title: 'A function is passed as a value',
    pattern: /(?:builtin|__\w+__|function) cannot be used as a value/,
    cause: 'Functions are no values in TorchScript, so they cannot be given to `map`, `filter` or `sorted`.',
    fix: 'Write a comprehension: `[f(item) for item in items]` in place of `map(f, items)`.',
  },
  {
    id: 'unknown-type-name',
    title: 'An annotation names a type that is not imported',
    pattern: /Unknown type name '(?<name>\w+)'/,
    cause: 'The file has no `{name}` when the model is compiled: imports under `if TYPE_CHECKING` and names in quotes are not seen.',
    fix: 'Import `{name}` at the top of the file.',
  },
  {
    id: 'dataclass-output',
    title: 'A dataclass is made in forward',
    pattern: /^could not get source code|Failed to get source for <function (?<name>\w+)\.__init__/,
    find: String.raw`^\s*@(?:dataclasses\.)?dataclass\b`,
    cause: 'Python writes the methods of a dataclass when it runs, so there is no source that TorchScript could compile.',
    fix: 'Make it a NamedTuple: `class Output(NamedTuple):` in place of `@dataclass class Output:`.',
  },
  {
    id: 'source-missing',
    title: 'There is no source of a function',
    pattern: /(?:Can't|could not|Failed to) get source(?: for <\w+ (?<name>[\w.]+))?/,
    find: String.raw`\b{name}\(`,
    cause: 'TorchScript compiles the text of functions, and `{name}` has none: it was made by `exec`, in a console, or comes compiled.',
    fix: 'Write it with `def` in a file.',
  },
  {
    id: 'defined-in-loop',
    title: 'A variable may not be set',
    pattern: /undefined value (?<name>\w+)/,
    cause: 'Nothing sets `{name}` for certain before this line: a loop may run zero times, and names of Python that TorchScript lacks count as unset.',
    fix: 'Set `{name}` before the loop; or pass it in as an argument.',
  },
]
