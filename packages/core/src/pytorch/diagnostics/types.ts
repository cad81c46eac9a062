import type { Entry, Seen } from './entry.ts'
import { typeName } from './entry.ts'
import { annotated, argumentOf, mentions, returning, signatureAt, typeOfLiteral, untyped } from './signature.ts'

/** The head of the function with the type said of a parameter that the line uses; undefined where all have types. */
function typed(seen: Seen, type: string, name?: string, code: string = seen.lines[seen.line - 1] ?? ''): string | undefined {
  const signature = signatureAt(seen)
  const open = untyped(signature)
  const found = name !== undefined && open.includes(name) ? name : open.find((one) => mentions(code, one))
  if (signature === undefined || found === undefined) return undefined
  const mayBeNone = signature.parameters.find((one) => one.name === found)?.value === 'None' && !type.startsWith('Optional')
  return annotated(signature, found, mayBeNone ? `Optional[${type}]` : type)
}

/** Types that are missing, or not what is asked for. */
export const TYPES: readonly Entry[] = [
  {
    id: 'range-of-tensor',
    title: 'An argument without a type is used in range()',
    pattern: /all inputs of range must be ints?, found (?<type>.+?) in argument/,
    cause: 'An argument without a type is taken for a Tensor, and `range` counts with whole numbers.',
    fix: (seen) => {
      const head = typed(seen, 'int', undefined, seen.marked)
      return head === undefined ? `Make it a whole number: \`range(int(${/\brange\((.+)\)\s*:/.exec(seen.lines[seen.line - 1] ?? '')?.[1] ?? 'n'}))\`.` : `Say that it is one: \`${head}\``
    },
  },
  {
    id: 'unannotated-comparison',
    title: 'An argument without a type is compared with a text',
    pattern: /aten::(?:eq|ne)\.[^]*for argument '(?:other|self|b|a)' but instead found type 'str'/,
    cause: 'An argument without a type is taken for a Tensor, and a Tensor cannot be compared with a text.',
    fix: (seen) => {
      const head = typed(seen, 'str')
      return head === undefined ? 'Compare texts with texts: say `: str` where the argument is declared.' : `Say that it is a text: \`${head}\``
    },
  },
  {
    id: 'default-not-tensor',
    title: 'An argument has a default, but no type',
    pattern: /Expected a default value of type Tensor(?: \(inferred\))? on parameter "(?<name>\w+)"/,
    cause: 'An argument without a type is taken for a Tensor, and the default of `{name}` is none.',
    fix: (seen) => {
      const signature = signatureAt(seen)
      const name = seen.groups['name']!
      const type = typeOfLiteral(signature?.parameters.find((one) => one.name === name)?.value)
      return `Say its type: \`${signature === undefined ? `${name}: ${type}` : annotated(signature, name, type)}\``
    },
  },
  {
    id: 'default-none',
    title: 'An argument may be None, but its type does not say so',
    pattern: /Expected a proper Tensor but got None|\(\) called on an undefined Tensor|tensor does not have a device/,
    find: String.raw`\bdef \w+\(.*\b\w+\s*=\s*None\b`,
    cause: 'An argument without a type is taken for a Tensor, so `if mask is not None` is always true in the compiled model.',
    fix: (seen) => {
      const signature = signatureAt(seen)
      const name = signature?.parameters.find(({ annotation, value }) => annotation === undefined && value === 'None')?.name
      return signature === undefined || name === undefined ? 'Say that it can be None: `mask: Optional[torch.Tensor] = None`.'
        : `Say that it can be None: \`${annotated(signature, name, 'Optional[torch.Tensor]')}\``
    },
  },
  {
    id: 'input-not-tensor',
    title: 'An argument that is no tensor has no type',
    pattern: /forward\(\) Expected a value of type 'Tensor \(inferred\)' for argument '(?<name>\w+)' but instead found type '(?<type>[^']+)'|Unable to cast (?<value>.+?) to Tensor/,
    find: String.raw`\bdef forward\(`,
    cause: ({ groups }) => `An argument without a type is taken for a Tensor, and ${
      groups['name'] ? `\`${groups['name']}\` is called with a value of type ${groups['type']!}` : `one is called with ${groups['value']!}`}.`,
    fix: (seen) => {
      const { name, value } = seen.groups
      const type = seen.groups['type'] || typeOfLiteral(value)
      return name ? `Say its type: \`${typed(seen, type, name) ?? `${name}: ${type}`}\`` : `Say its type in the list of arguments: \`: ${type}\`.`
    },
  },
  {
    id: 'untyped-class',
    title: 'A class has arguments without types',
    pattern: /^(?<method>\w+)\(__torch__[^]*Expected a value of type 'Tensor \(inferred\)' for argument '(?<name>\w+)' but instead found type '(?<type>[^']+)'/,
    cause: 'An argument without a type is taken for a Tensor, and `{name}` of `{method}` is called with a value of type {type}.',
    fix: 'Say its type where `{method}` is defined: `{name}: {type}`.',
  },
  {
    id: 'sum-of-tensors',
    title: 'sum() adds up tensors',
    pattern: /for argument 'self' but instead found type 'List\[Tensor\]'/,
    place: /\bsum\(/,
    cause: '`sum` adds up numbers in TorchScript, not tensors.',
    fix: (seen) => `Stack them: \`torch.stack(${/\bsum\(([\w.]+)\)/.exec(seen.lines[seen.line - 1] ?? '')?.[1] ?? 'xs'}).sum(0)\`.`,
  },
  {
    id: 'tensor-as-tuple',
    title: 'An argument without a type is taken apart',
    pattern: /(?<type>Tensor|Optional\[.+\])(?: \(inferred\))? cannot be used as a tuple/,
    cause: 'An argument without a type is taken for a Tensor, and only tuples, and lists of a known length, can be taken apart.',
    fix: (seen) => {
      const code = seen.lines[seen.line - 1] ?? ''
      const parts = code.split('=')[0]!.split(',').length
      const head = typed(seen, `Tuple[${Array.from({ length: Math.max(parts, 2) }, () => 'torch.Tensor').join(', ')}]`, seen.marked)
      return head === undefined ? 'Say that it is a tuple where it is declared, or take the tensor apart with `x.unbind(0)` in a call of a known length: `x[0], x[1]`.' : `Say what it is: \`${head}\``
    },
  },
  {
    id: 'item-as-number',
    title: 'item() is used as a size',
    pattern: /for argument '(?<name>[^']+)' but instead found type '(?:List\[)?(?:number|Scalar)\]?'/,
    cause: '`item()` gives a number that may be whole or not, and a whole one is asked for.',
    fix: 'Say that it is whole: `int(length.max().item())`.',
  },
  {
    id: 'tensor-as-size',
    title: 'A tensor is used as a size',
    pattern: /(?:^ *(?<declaration>\S[^\n]*\) -> [^\n]*):\n\s*)?Expected a value of type 'List\[int\]' for argument '(?<name>(?!self')[^']+)' but instead found type 'List\[(?:Tensor|Union\[[^']*Tensor)/m,
    cause: 'Sizes are whole numbers, and one of these is a Tensor.',
    fix: (seen) => {
      const { declaration = '', name } = seen.groups
      const given = argumentOf(seen.lines[seen.line - 1] ?? '', seen.marked, declaration, name!)
      const head = given === undefined ? undefined : typed(seen, 'int', undefined, given)
      return `Make it a number: \`int(length.max())\`${head === undefined ? '' : `; or, where an argument is a number already, say so: \`${head}\``}`
    },
  },
  {
    id: 'mixed-list',
    title: 'A list has items of several types',
    pattern: /but instead found type 'Union\[(?<types>[^']+)\]'/,
    place: /^(?!.*(?:\[\s*["']|\{))/,
    cause: 'A list has one type of items in TorchScript; this value can be any of {types}.',
    fix: 'Use a tuple, `(x, 0.5)`, where each item keeps its type, or a variable for each.',
  },
  {
    id: 'mixed-dict',
    title: 'A dictionary has values of several types',
    pattern: /(?:but instead found type '|the dict literal is )Union\[(?<types>[^'\n]+)\]/,
    cause: 'A dictionary has one type of values in TorchScript; this value can be any of {types}.',
    fix: 'Use a variable for each value, or a NamedTuple, where each field keeps its type.',
  },
  {
    id: 'optional-value',
    title: 'A number that may be None is used',
    pattern: /found type 'Optional\[(?<type>int|float|bool|str)\]'/,
    cause: 'The value may be None, and nothing here says what happens then.',
    fix: (seen) => {
      const type = seen.groups['type']!
      const name = signatureAt(seen)?.parameters.find(({ annotation }) => annotation === `Optional[${type}]`)?.name
      const value = { int: '1', float: '1.0', bool: 'False', str: '""' }[type]!
      return name === undefined ? `Say what it is where it is None, before: for example \`${value}\`.` : `Give it a value first: \`if ${name} is None: ${name} = ${value}\`; after that it is of type ${type}.`
    },
  },
  {
    id: 'optional-attribute',
    title: 'An attribute that may be None is used',
    pattern: /found type 'Optional\[(?<type>[^']+)\]'|^'Optional\[(?<other>[^']+)\]' object has no/,
    place: /: .*self\.\w+/,
    cause: 'An attribute could become None between the check and its use, so checking `self.x` says nothing about the next `self.x`.',
    fix: ({ marked }) => {
      const name = /self\.(\w+)/.exec(marked)?.[1] ?? 'bias'
      return `Put it in a variable, and check and use that: \`${name} = self.${name}\`, \`if ${name} is not None:\`.`
    },
  },
  {
    id: 'optional-not-refined',
    title: 'A value that may be None is used',
    pattern: /^'Optional\[(?<type>[^']+)\]' object has no attribute or method '(?<name>\w+)'|found type 'Optional\[[^']+\]'/,
    cause: ({ marked }) => `\`${marked.replace(/\.\w+$/, '') || 'The value'}\` may be None, and nothing here says what happens then.`,
    fix: ({ marked }) => {
      const name = /^(\w+)(?:\.\w+)?$/.exec(marked)?.[1] ?? 'mask'
      return `Put it under \`if ${name} is not None:\`, or say before that it is not: \`assert ${name} is not None\`.`
    },
  },
  {
    id: 'none-then-tensor',
    title: 'A variable is None first, and something else later',
    pattern: /'NoneType' object has no attribute or method '(?<name>\w+)'|Variable '(?<variable>\w+)' previously had type NoneType/,
    cause: 'A variable keeps the type of its first value, and the type of None has no other values.',
    fix: ({ groups, marked }) => `Say what it can be where it is set first: \`${groups['variable'] ?? /^(\w+)\.\w+$/.exec(marked)?.[1] ?? 'best'}: Optional[torch.Tensor] = None\`.`,
  },
  {
    id: 'bare-container',
    title: 'A list or dictionary is declared without what is in it',
    pattern: /found type '(?<type>list|dict|tuple)'|(?:Unknown type name '|Attempted to use )(?<other>List|Dict|Tuple|Optional|list|dict|tuple)\b/,
    cause: 'What is in a list is part of its type in TorchScript, and the annotation does not say it.',
    fix: 'Say it: `List[torch.Tensor]` in place of `list`, `Dict[str, torch.Tensor]` in place of `dict`.',
  },
  {
    id: 'ellipsis-annotation',
    title: 'A tuple of any length is declared',
    pattern: /Expression of type dots cannot be used in a type expression/,
    cause: 'How many items a tuple has is part of its type in TorchScript.',
    fix: 'Write them out (`Tuple[int, int]` in place of `Tuple[int, ...]`), or declare a list: `List[int]`.',
  },
  {
    id: 'union-syntax',
    title: 'A type is declared with |',
    pattern: /Expression of type \| cannot be used in a type expression/,
    fixedIn: '2.0',
    cause: 'This PyTorch does not know `|` in types yet.',
    fix: 'Write `Optional[torch.Tensor]` in place of `torch.Tensor | None`, with `from typing import Optional`.',
  },
  {
    id: 'unsupported-annotation',
    title: 'A declared type does not exist in TorchScript',
    pattern: /Unknown type constructor (?<name>[\w.]+)|Unknown type name '(?<other>[\w.]+)'/,
    cause: ({ groups }) => `TorchScript has no type \`${groups['name'] || groups['other']!}\`.`,
    fix: 'Use `List[…]` for sequences, `Dict[…]` for mappings, `Tuple[…]`, `Optional[…]`, torch.Tensor, int, float, bool or str.',
  },
  {
    id: 'empty-list',
    title: 'An empty list gets something else than tensors',
    pattern: /aten::append[^]*Could not match type (?<type>[^']+?) to t in argument/,
    cause: 'A list that starts empty is taken for one of tensors, and {type} is appended to it.',
    fix: (seen) => `Say what it holds where it is made: \`${/^(\w+)\.append$|(\w+)\.append\(/.exec(seen.marked)?.slice(1).find(Boolean) ?? 'items'}: List[${typeName(seen.groups['type']!)}] = []\`.`,
  },
  {
    id: 'empty-dict',
    title: 'An empty dictionary gets something else than tensors',
    pattern: /aten::_set_item[^]*Could not match type (?<type>[^']+?) to t in argument/,
    cause: 'A dictionary that starts empty is taken for one of tensors by texts, and a value of type {type} is put in.',
    fix: (seen) => `Say what it holds where it is made: \`${/^\s*(\w+)\[/.exec(seen.lines[seen.line - 1] ?? '')?.[1] ?? 'out'}: Dict[str, ${typeName(seen.groups['type']!)}] = {}\`.`,
  },
  {
    id: 'return-none',
    title: 'Nothing is returned in one case',
    pattern: /Return value was annotated as having type (?<type>.+) but is actually of type NoneType/,
    cause: 'The method is declared to return a {type}, and returns None here.',
    fix: (seen) => {
      const signature = signatureAt(seen)
      const type = `Optional[${typeName(seen.groups['type']!)}]`
      return `Say so: \`${signature === undefined ? `-> ${type}:` : returning(signature, type)}\``
    },
  },
  {
    id: 'return-type',
    title: 'The returned value is not of the declared type',
    pattern: /Return value was annotated as having type (?<declared>.+) but is actually of type (?<type>[^:]+)/,
    cause: 'The method is declared to return {declared}, and returns {type}.',
    fix: (seen) => {
      const signature = signatureAt(seen)
      const type = typeName(seen.groups['type']!)
      return `Say what it returns: \`${signature === undefined ? `-> ${type}:` : returning(signature, type)}\``
    },
  },
  {
    id: 'return-types-differ',
    title: 'Two returns give different types',
    pattern: /Previous return statement returned a value of type (?<one>.+) but this return statement returns a value of type (?<other>[^:]+)/,
    cause: 'A compiled method returns one type, and this one returns {one} here and {other} there.',
    fix: 'Return the same in every case: as many values, of the same types; `Optional[…]` as the declared type where one is None.',
  },
]
