import type { Entry } from './entry.ts'
import { signatureAt } from './signature.ts'

const VARIABLE = /Compiled functions can't take variable number of arguments/

/** Parts of Python that TorchScript does not have. */
export const FEATURES: readonly Entry[] = [
  {
    id: 'installed-function',
    title: 'A function of an installed library is called (einops, …)',
    pattern: VARIABLE,
    place: /(?:site|dist)-packages[/\\](?<library>\w+).*: def (?<name>\w+)/,
    find: String.raw`\b{name}\(`,
    cause: '`{name}` of {library} takes any arguments by name, so TorchScript cannot compile it.',
    fix: ({ groups }) => groups['library'] === 'einops'
      ? 'Make einops\' layer in the constructor (`self.rearrange = Rearrange("b c h w -> b (c h w)")` of `einops.layers.torch`) and call that, or use view, permute and flatten.'
      : 'Write it with PyTorch\'s own functions: view, permute, flatten, …',
  },
  {
    id: 'keyword-only',
    title: 'An argument can be given by name only',
    pattern: VARIABLE,
    place: /: def \w+\([^)]*[(,]\s*\*\s*,/,
    cause: 'TorchScript has no arguments with a default that can be given by name only.',
    fix: (seen) => `Leave out the \`*\`: \`${signatureAt(seen)?.text.replace(/\*\s*,\s*/, '') ?? 'def forward(self, x, scale: float = 1.0):'}\`.`,
  },
  {
    id: 'variable-arguments',
    title: 'A method takes any named arguments',
    pattern: VARIABLE,
    place: /\*\*\w+/,
    cause: 'A compiled method has a fixed list of arguments, each with its type.',
    fix: (seen) => {
      const rest = signatureAt(seen)?.parameters.find(({ name }) => name.startsWith('**'))?.name ?? '**kwargs'
      return `Name what is used of \`${rest}\`, each with its type, for example \`scale: float = 1.0\`, and leave \`${rest}\` out.`
    },
  },
  {
    id: 'positional-arguments',
    title: 'A method takes any number of arguments',
    pattern: VARIABLE,
    cause: 'A compiled method has a fixed list of arguments, each with its type.',
    fix: (seen) => {
      const rest = signatureAt(seen)?.parameters.find(({ name }) => /^\*\w/.test(name))?.name ?? '*xs'
      return `Take a list: \`${rest.slice(1)}: List[torch.Tensor]\` in place of \`${rest}\`, and call it with one.`
    },
  },
  {
    id: 'keyword-expansion',
    title: 'A call unpacks a dictionary',
    pattern: /keyword-arg expansion is not supported/,
    cause: 'Which arguments a call has must be known when it is compiled.',
    fix: 'Write the arguments out: `f(x, scale=2.0)` in place of `f(x, **options)`.',
  },
  {
    id: 'star-unpacking',
    title: 'A part of a list is unpacked with a star',
    pattern: /cannot statically infer the expected size of a list|Provided list of length/,
    place: /^.*: (?:.*: )?[\w, ()]*\*\w+[\w, ()]*=/,
    cause: 'How long a list is will only be known when the model runs, so it cannot be taken apart like this.',
    fix: 'Take what is needed by its index: `batch = x.shape[0]`, `rest = x.shape[1:]`.',
  },
  {
    id: 'argument-unpacking',
    title: 'A call unpacks a list',
    pattern: /cannot statically infer the expected size of a list/,
    cause: ({ marked }) => `How many items \`${marked.replace('*', '') || 'the list'}\` has will only be known when the model runs, and a call has a fixed number of arguments.`,
    fix: ({ marked }) => {
      const name = marked.replace('*', '').replace(/\[:\d+\]$/, '') || 'xs'
      return `Write them out: \`${name}[0], ${name}[1]\` in place of \`*${name}\`; a tuple can be unpacked.`
    },
  },
  {
    id: 'f-string',
    title: 'A number is formatted in an f-string',
    pattern: /Don't support (?:formatting|conversion) in JoinedStr/,
    cause: 'F-strings are compiled without format specifications (`:.2f`) and conversions (`!r`).',
    fix: 'Leave the specification out, or use `"scale is {}".format(scale)`.',
  },
  {
    id: 'comprehension-condition',
    title: 'A comprehension has a condition',
    pattern: /Comprehension ifs are not supported/,
    cause: 'TorchScript compiles comprehensions without `if`.',
    fix: 'Write a loop: start with an empty list of a said type (`kept: List[int] = []`), and `append` under an `if`.',
  },
  {
    id: 'comprehension-nested',
    title: 'A comprehension has several loops',
    pattern: /Only a single generator is currently supported/,
    cause: 'TorchScript compiles comprehensions with one `for`.',
    fix: 'Write the loops out, and `append` to a list in the inner one.',
  },
  {
    id: 'lambda',
    title: 'There is a lambda in forward',
    pattern: /Lambda aren't supported/,
    cause: 'Functions are no values in TorchScript.',
    fix: 'Make it a method of the class, and call that.',
  },
  {
    id: 'function-in-forward',
    title: 'A function is defined in forward',
    pattern: /(?:function|class) definitions aren't supported/,
    cause: 'TorchScript compiles functions of a file and methods of a class, not functions in functions.',
    fix: (seen) => {
      const name = /\bdef (\w+)/.exec(seen.lines[seen.line - 1] ?? '')?.[1] ?? 'scaled'
      return `Make it a method (\`def ${name}(self, …):\`) and call \`self.${name}(…)\`; pass it what it takes from around.`
    },
  },
  {
    id: 'try-except',
    title: 'There is a try block',
    pattern: /try blocks aren't supported/,
    cause: 'TorchScript can raise errors, but not catch them.',
    fix: 'Ask before: `if x.numel() % 2 == 0:` in place of trying; a property that tries can be left out by `__jit_unused_properties__ = ["name"]` in the class.',
  },
  {
    id: 'with-statement',
    title: 'A with statement uses a context manager of Python',
    pattern: /Expected <function (?<name>[\w.]+)\.__a?(?:enter|exit)__ at|does not define (?:an )?__(?:enter|exit)__ (?:method|function)/,
    find: String.raw`^\s*with\b(?!.*\bno_grad\b)`,
    cause: 'Of context managers TorchScript compiles `torch.no_grad()` and classes of the file, not those of Python\'s libraries.',
    fix: 'Take the statements out of the `with` block.',
  },
  {
    id: 'import-statement',
    title: 'There is an import in forward',
    pattern: /import statements aren't supported/,
    cause: 'TorchScript compiles methods without imports.',
    fix: 'Move the import to the top of the file.',
  },
  {
    id: 'generator',
    title: 'A method yields its results',
    pattern: /Yield(?:From)? aren't supported/,
    cause: 'TorchScript has no generators.',
    fix: 'Collect the results in a list, and return it: `made.append(…)` in place of `yield …`.',
  },
  {
    id: 'walrus',
    title: 'A value is named within an expression (:=)',
    pattern: /NamedExpr aren't supported/,
    cause: 'TorchScript has no `:=`.',
    fix: (seen) => {
      const [, name, value] = /\((\w+)\s*:=\s*((?:[^()]|\([^()]*\))+)\)/.exec(seen.lines[seen.line - 1] ?? '') ?? []
      return name === undefined ? 'Assign it in a line of its own, before.' : `Assign it in a line of its own, before: \`${name} = ${value!}\`.`
    },
  },
  {
    id: 'match-statement',
    title: 'There is a match statement',
    pattern: /Match aren't supported/,
    cause: 'TorchScript has no `match`.',
    fix: 'Write `if`, `elif` and `else`.',
  },
  {
    id: 'global-statement',
    title: 'A global variable is set',
    pattern: /(?:global|nonlocal) variables aren't supported/,
    cause: 'TorchScript compiles the model alone, and can neither read nor set variables of the file.',
    fix: (seen) => {
      const name = /(?:global|nonlocal)\s+(\w+)/.exec(seen.lines[seen.line - 1] ?? '')?.[1] ?? 'count'
      return `Make it an attribute: \`self.${name} = …\` in \`__init__\`, and \`self.${name}\` here.`
    },
  },
  {
    id: 'set-literal',
    title: 'There is a set',
    pattern: /Set(?:Comp)? aren't supported/,
    cause: 'TorchScript has no sets.',
    fix: 'Use a list: `["a", "b"]` in place of `{"a", "b"}`.',
  },
  {
    id: 'recursion',
    title: 'A method calls itself',
    pattern: /(?:method|function) '(?<name>\w+)' is called recursively/,
    cause: 'TorchScript cannot compile `{name}`, as it calls itself.',
    fix: 'Write a loop.',
  },
  {
    id: 'del-attribute',
    title: 'An attribute is deleted',
    pattern: /del statements are only supported for/,
    cause: 'TorchScript deletes variables and items of lists and dictionaries, not attributes.',
    fix: 'Leave the line out, or set the attribute to an empty value of its type.',
  },
  {
    id: 'loop-else',
    title: 'A loop has an else branch',
    pattern: /else branches of (?:for|while) loops aren't supported/,
    cause: 'TorchScript has no `else` after loops.',
    fix: 'Put what is in the `else` after the loop, under an `if` where the loop may `break`.',
  },
  {
    id: 'augmented-assignment',
    title: 'An operator is not available with an assignment',
    pattern: /unsupported kind of aug(?:u?)mented assignment: (?<name>\w+)/,
    cause: 'TorchScript has no assignment with this operator ({name}).',
    fix: (seen) => {
      const [, name, operator, value] = /^\s*(\S+)\s*([^\s\w=]+)=\s*(.+?)\s*(?:#.*)?$/.exec(seen.lines[seen.line - 1] ?? '') ?? []
      return name === undefined ? 'Write it out: `n = n // 2`.' : `Write it out: \`${name} = ${name} ${operator!} ${value!}\`.`
    },
  },
  {
    id: 'getattr-dynamic',
    title: 'An attribute is named by a computed text',
    pattern: /(?:getattr|hasattr)'s second argument must be a string literal/,
    cause: 'Which attribute it is must be known when the model is compiled.',
    fix: 'Put the modules in a list (`self.layers = nn.ModuleList([…])`) and go through it: `for layer in self.layers:`.',
  },
  {
    id: 'type-call',
    title: 'The type of a value is asked for',
    pattern: /^type\([^]*Expected a value of type 'Tensor' for argument '0'/,
    cause: 'Types are no values in TorchScript, and `type()` means something else there.',
    fix: 'Ask with `isinstance`: `isinstance(y, float)` in place of `type(y) == float`.',
  },
  {
    id: 'isinstance-other-type',
    title: 'isinstance asks for a type that TorchScript lacks',
    pattern: /Unknown type name '(?<name>[^']+)'|Unknown type constructor (?<other>\w+)/,
    place: /isinstance\(/,
    cause: ({ groups }) => `TorchScript has no type \`${groups['name'] || groups['other']!}\`, so no value in a compiled model can be one.`,
    fix: 'Leave the check out with its branch.',
  },
]
