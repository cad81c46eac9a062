import type { Entry } from './entry.ts'

const EXISTS = String.raw`has no attribute '(?<name>\w+)' \(This attribute exists on the Python module`

/** Modules, their attributes, and how they are gone through. */
export const MODULES: readonly Entry[] = [
  {
    id: 'list-of-modules',
    title: 'Modules are in a plain list',
    pattern: new RegExp(`${EXISTS}.*Python type: '(?:list|tuple)'.*Cannot infer concrete type of torch\\.nn\\.Module`),
    cause: '`self.{name}` is a Python list of modules, which PyTorch does not see as parts of the model; its weights are not even trained.',
    fix: 'Make it `self.{name} = nn.ModuleList([…])`.',
  },
  {
    id: 'dict-of-modules',
    title: 'Modules are in a plain dictionary',
    pattern: new RegExp(`${EXISTS}.*Python type: 'dict'.*Cannot infer concrete type of torch\\.nn\\.Module`),
    cause: '`self.{name}` is a Python dictionary of modules, which PyTorch does not see as parts of the model; its weights are not even trained.',
    fix: 'Make it `self.{name} = nn.ModuleDict({…})`.',
  },
  {
    id: 'mixed-dict-attribute',
    title: 'A dictionary of the model has values of several types',
    pattern: new RegExp(`${EXISTS}.*(?:must have consistent type|consistent types)\\. Found (?<one>.+?) and (?<other>.+?)\\. Its type`),
    cause: 'A dictionary or list has one type of values in TorchScript, and `self.{name}` has {one} and {other}.',
    fix: ({ groups, lines, line }) => {
      const name = groups['name']!
      const key = new RegExp(String.raw`self\.${name}\[["'](\w+)["']\]`).exec(lines[line - 1] ?? '')?.[1]
      return `Store what forward uses as attributes of their own: \`self.${name}_${key ?? 'scale'} = ${name}["${key ?? 'scale'}"]\`.`
    },
  },
  {
    id: 'list-of-functions',
    title: 'Functions are in a list',
    pattern: new RegExp(`${EXISTS}.*Could not infer type of list element.*got value of type function`),
    cause: 'Functions are no values in TorchScript, so `self.{name}` cannot list them.',
    fix: 'List modules that do the same: `self.{name} = nn.ModuleList([nn.ReLU(), nn.GELU()])`.',
  },
  {
    id: 'empty-list-attribute',
    title: 'An attribute is an empty list',
    pattern: new RegExp(`${EXISTS}.*(?:List trace inputs must have elements|Dictionary inputs must have entries)`),
    cause: '`self.{name}` is empty when the model is compiled, so the type of what goes into it is not known.',
    fix: 'Say it in the class, above `__init__`: `{name}: List[float]`, with the type that it is to hold.',
  },
  {
    id: 'partial',
    title: 'An attribute is a functools.partial',
    pattern: new RegExp(`${EXISTS}.*Python type: 'functools\\.partial'`),
    cause: 'TorchScript cannot compile what `functools.partial` makes.',
    fix: 'Store the arguments (`self.scale = 2.0`) and call the function itself with them.',
  },
  {
    id: 'attribute-of-other-type',
    title: 'An attribute is an object of an ordinary class',
    pattern: new RegExp(`${EXISTS}.*Python type: '(?:\\w+\\.)*(?<type>\\w+)'`),
    cause: '`self.{name}` is a `{type}`, and a model can only hold modules, tensors, numbers, texts, and lists and dictionaries of these.',
    fix: ({ groups, marked, lines, line }) => {
      const used = new RegExp(String.raw`self\.${groups['name']}\.(\w+)`).exec(lines[line - 1] ?? '')?.[1]
      return used === undefined
        ? `Store the values that forward needs of ${marked || 'it'} as attributes of their own.`
        : `Store what forward needs of it in the constructor (\`self.${used} = ${groups['name']}.${used}\`) and use \`self.${used}\`.`
    },
  },
  {
    id: 'attribute-set-in-forward',
    title: 'An attribute is made in forward',
    pattern: /Tried to set nonexistent attribute: (?<name>\w+)/,
    cause: 'A compiled model has the attributes that the constructor made, and `{name}` is not one of them.',
    fix: 'Make it in `__init__`, with a value of the same type: `self.{name} = torch.zeros(0)`.',
  },
  {
    id: 'none-attribute',
    title: 'An attribute is None at first',
    pattern: /Wrong type for attribute assignment\. Expected NoneType but got (?<type>[^:]+)/,
    cause: 'The constructor makes the attribute None, so None is all that it can ever be.',
    fix: ({ groups, marked }) => `Say in the class, above \`__init__\`, what else it can be: \`${/self\.(\w+)/.exec(marked)?.[1] ?? 'name'}: Optional[${groups['type']}]\`.`,
  },
  {
    id: 'lambda-attribute',
    title: 'An attribute is a lambda',
    pattern: /has no attribute '(?<name>\w+)' \(This function exists as an attribute[^]*Expected a single top-level function/,
    cause: '`self.{name}` is a lambda, whose source TorchScript cannot compile.',
    fix: 'Write a function with `def` outside of the class, and store that: `self.{name} = swish`.',
  },
  {
    id: 'missing-attribute',
    title: 'The constructor does not make an attribute',
    pattern: /Module '(?<module>\w+)' has no attribute '(?<name>\w+)'(?! \(This function exists)/,
    cause: ({ groups: { module, name }, marked }) => ofSubmodule(marked)
      ? `What was compiled of \`${module}\` has no \`${name}\`: of a module that is traced only its calls are left, else it is set later, or in a case only.`
      : `A compiled model has the attributes that it had when it was compiled, and \`${module}\` had no \`${name}\`: it is set later, or in a case only.`,
    fix({ groups: { name }, marked }) {
      const of = ofSubmodule(marked)
      return of
        ? `Keep the value in \`__init__\` of the model that uses it, \`self._${of}_${name} = ${of}.${name}\`, and write \`self._${of}_${name}\` here.`
        : `Set it in \`__init__\` in every case: \`self.${name} = …\`.`
    },
  },
  {
    id: 'module-in-forward',
    title: 'A module is made in forward',
    pattern: /Cannot instantiate class '(?<name>\w+)' in a script function|Class (?<other>\w+) does not have an __init__ function defined/,
    cause: 'A compiled model cannot make modules while it runs.',
    fix: ({ groups }) => {
      const name = groups['name'] || groups['other']!
      return `Make it in \`__init__\` (\`self.${name.toLowerCase()} = nn.${name}(…)\`) and call \`self.${name.toLowerCase()}(…)\`.`
    },
  },
  {
    id: 'module-list-index',
    title: 'A ModuleList is indexed by a variable',
    pattern: /Expected integer literal for index/,
    cause: 'Each module of the list is compiled by itself, so which one is called must be known when it is compiled.',
    fix: ({ marked }) => `Go through the list itself: \`for layer in ${/^(.+)\[[^\]]*\]$/.exec(marked)?.[1] ?? 'self.layers'}:\`, with \`enumerate\` where the index is needed.`,
  },
  {
    id: 'module-dict-key',
    title: 'A ModuleDict is asked with a variable',
    pattern: /Unable to extract string literal index/,
    cause: 'Each module of the dictionary is compiled by itself, so which one is called must be known when it is compiled.',
    fix: ({ marked }) => `Go through it and compare: \`for key, module in ${/^(.+)\[[^\]]*\]$/.exec(marked)?.[1] ?? 'self.heads'}.items():\` with \`if key == name:\` in it.`,
  },
  {
    id: 'reversed-modules',
    title: 'A ModuleList is gone through backwards',
    pattern: /^reversed\([^]*instead found type '__torch__\.torch\.nn\.modules\.container\.\w+(?:\.\w+)*/,
    cause: 'TorchScript goes through a ModuleList forwards only.',
    fix: 'Count down and pick the module: `for i in range(len(self.layers) - 1, -1, -1):`, in it `for j, layer in enumerate(self.layers):` and `if j == i:`.',
  },
  {
    id: 'zip-of-modules',
    title: 'Modules and values are gone through together',
    pattern: /Can ?not iterate over a module list or tuple with a value that does not have a statically determinable length/,
    cause: 'The loop is unrolled when it is compiled, and how long the other list is will only be known when the model runs.',
    fix: 'Use `for i, layer in enumerate(self.layers):` and take the other list\'s item by its index: `scales[i]`.',
  },
  {
    id: 'module-truth',
    title: 'A module is used as a condition',
    pattern: /Could not cast value of type __torch__\.(?:\w+\.)*(?<type>\w+) \(of Python[^)]*\) to bool/,
    cause: 'A module is neither true nor false in TorchScript.',
    fix: ({ marked }) => `Say what is asked: \`if ${marked || 'self.module'} is not None:\`, or \`len(…) > 0\` for a list of modules.`,
  },
  {
    id: 'module-iteration',
    title: 'The parts of the model are listed in forward',
    pattern: /(?:Yield|Lambda) aren't supported/,
    place: /torch[/\\]nn[/\\]modules[/\\]module\.py/,
    find: String.raw`\.(?:named_)?(?:parameters|modules|children|buffers)\(`,
    cause: '`parameters()`, `modules()`, `children()` and `buffers()` are Python generators, which TorchScript cannot compile.',
    fix: 'Name the parts: `[self.linear.weight, self.linear.bias]`, or go through an `nn.ModuleList`.',
  },
  {
    id: 'data-parallel',
    title: 'The model is wrapped for several GPUs',
    pattern: /Compiled functions can't take variable number of arguments/,
    place: /(?:data_parallel|distributed)\.py/,
    find: String.raw`\bDataParallel\(|\bDistributedDataParallel\(`,
    cause: '`DataParallel` spreads training over GPUs; it is Python code that passes any arguments on.',
    fix: 'Use the module in it: leave the wrapper out, or take `model.module`.',
  },
  {
    id: 'forward-missing',
    title: 'A module without forward is called',
    pattern: /Compiled functions can't take variable number of arguments/,
    place: /_forward_unimplemented/,
    cause: 'Some module that is called has no `forward`: an nn.ModuleList or nn.ModuleDict, or a class whose `forward` is misspelled or indented too far.',
    fix: 'Use `nn.Sequential` for modules that are called one after the other, else give the class its `forward`.',
  },
  {
    id: 'hook',
    title: 'A module has a hook',
    pattern: /Hook '(?<name>\w+)' on module '(?<module>\w+)'/,
    find: String.raw`\.register_forward_(?:pre_)?hook\(`,
    cause: 'TorchScript compiles forward hooks too, and `{name}` on a `{module}` has not the form that it asks for.',
    fix: 'Do in `forward` what the hook does, or remove it before the conversion: `handle.remove()` with what `register_forward_hook` returned.',
  },
  {
    id: 'weight-norm',
    title: 'Weights are normalized by a hook',
    pattern: /'(?<name>\w*Norm)' object has no attribute '__name__'/,
    find: String.raw`\b(?:weight_norm|spectral_norm)\(`,
    cause: '{name} computes a weight anew in a hook before every call, which TorchScript cannot compile; for running a model the weight is constant.',
    fix: 'Take it off once the weights are loaded: `torch.nn.utils.remove_weight_norm(self.conv)`, or `remove_spectral_norm`.',
  },
  {
    id: 'super-call',
    title: 'A method of the parent class is called with super()',
    pattern: /'Tensor(?: \(inferred\))?' object has no attribute or method '(?<name>\w+)'|Python type cannot be used as a value/,
    place: /super\(/,
    cause: 'TorchScript compiles one method of each name, and has no super().',
    fix: ({ groups }) => `Move what the parent's \`${groups['name'] ?? 'forward'}\` does into a method of another name, and call that one from both: \`self.classify(x)\`.`,
  },
]

/** `decoder` of `self.decoder.n_layers`; undefined where the attribute is the model's own. */
function ofSubmodule(marked: string): string | undefined {
  return /^self(?:\.\w+)*\.(\w+)\.\w+$/.exec(marked)?.[1]
}
