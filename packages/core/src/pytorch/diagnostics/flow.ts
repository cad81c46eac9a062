import type { Entry } from './entry.ts'
import { annotated, argumentOf, signatureAt, untyped } from './signature.ts'

/** Control flow, and what is said when nothing more special fits. */
export const FLOW: readonly Entry[] = [
  {
    id: 'defined-in-one-branch',
    title: 'A variable is set in one branch only',
    pattern: /^(?<name>\w+) is not defined in the (?<branch>false|true) branch/,
    cause: '`{name}` is used after the `if`, and has no value when the condition is not met.',
    fix: ({ groups }) => `Set \`${groups['name']!}\` before the \`if\`, or ${groups['branch'] === 'false' ? 'in an `else`' : 'in the other branch'} too.`,
  },
  {
    id: 'branches-differ-in-type',
    title: 'A variable has different types after an if',
    pattern: /Type mismatch: (?<name>\S+) is set to type (?<one>.+?) in the true branch and type (?<other>.+?) in the false branch/,
    cause: '`{name}` is {one} when the condition is met and {other} when it is not, and a variable has one type.',
    fix: ({ groups }) => `Give both branches the same type: ${/Tensor/.test(groups['one']! + groups['other']!) && !/None/.test(groups['one']! + groups['other']!)
      ? `a number as a tensor, \`${groups['name']!} = torch.zeros(())\`` : `or say before the \`if\` what it can be, \`${groups['name']!}: Optional[torch.Tensor] = None\``}.`,
  },
  {
    id: 'variable-changes-type',
    title: 'A variable changes its type',
    pattern: /Variable '(?<name>\w+)' previously had type (?<one>.+?) but is now being assigned to a value of type (?<other>\S+)/,
    cause: '`{name}` starts as {one}, and a variable keeps its type in loops and branches; this is {other}.',
    fix: ({ groups }) => groups['one'] === 'int' && groups['other'] === 'float'
      ? `Start with the right type (\`${groups['name']!} = 1.0\`), or use another name.`
      : `Start with a value of the right type, or use another name than \`${groups['name']!}\` here.`,
  },
  {
    id: 'condition-not-bool',
    title: 'A condition is neither true nor false',
    pattern: /Could not cast value of type (?<type>.+) to bool/,
    cause: 'TorchScript takes bool, numbers and one-element tensors as conditions; this is {type}.',
    fix: ({ groups, marked }) => groups['type']!.startsWith('Optional')
      ? `Ask what is meant: \`if ${marked || 'mask'} is not None:\`.` : `Ask what is meant: \`if len(${marked || 'items'}) > 0:\`, \`if ${marked || 'value'} == …:\`.`,
  },
  {
    id: 'tuple-index',
    title: 'A tuple is indexed by a variable',
    pattern: /Cannot index into a (?<type>.+?) with a non-integer literal/,
    cause: 'The items of {type} have different types, so which one is taken must be known when it is compiled.',
    fix: ({ marked }) => `Index with a number, \`${/^(\w+)\[/.exec(marked)?.[1] ?? 'pair'}[0]\`, or take the tuple apart: \`a, b = ${/^(\w+)\[/.exec(marked)?.[1] ?? 'pair'}\`.`,
  },
  {
    id: 'unknown-method',
    title: 'Tensors have no such method in TorchScript',
    pattern: /'Tensor(?: \(inferred\))?' object has no attribute or method '(?<name>\w+)'/,
    cause: 'TorchScript knows most methods of tensors, but not `{name}`; or this is no tensor, and its type is not said.',
    fix: ({ groups, marked }) => {
      const other = OTHER_METHODS[groups['name']!]
      const object = marked.replace(/\.\w+$/, '') || 'x'
      return other === undefined ? `Use another function, or say the type of \`${object}\` where it is declared.` : `Write \`${other.replace('x', object)}\` in its place.`
    },
  },
  {
    id: 'class-attribute',
    title: 'An ordinary class lacks an attribute',
    pattern: /^'__torch__\.(?!torch\.)(?:\w+\.)*(?<type>\w+)[^']*' object has no attribute or method '(?<name>\w+)'/,
    cause: 'TorchScript compiles an ordinary class without its parents, and this `{type}` alone has no `{name}`.',
    fix: 'Give `{type}` the `__init__` and the methods itself that it inherits.',
  },
  {
    id: 'unannotated-argument',
    title: 'An argument without a type is passed on',
    pattern: /(?:^ *(?<declaration>\S[^\n]*\) -> [^\n]*):\n\s*)?Expected a value of type '(?<type>[^']+)' for argument '(?<name>[^']+)' but instead found type 'Tensor \(inferred\)'/m,
    cause: 'An argument without a type is taken for a Tensor, and `{name}` must be {type}.',
    fix: (seen) => {
      const signature = signatureAt(seen)
      const { declaration = '', name: parameter } = seen.groups
      const given = argumentOf(seen.lines[seen.line - 1] ?? '', seen.marked, declaration, parameter!)
      const name = untyped(signature).find((one) => one === given)
      const type = seen.groups['type']!.replace(/^Optional\[(.+)\]$/, '$1').replace(/^number$/, 'float')
      return signature === undefined || name === undefined ? `Say the type where it is declared: \`: ${type}\`.` : `Say its type: \`${annotated(signature, name, type)}\``
    },
  },
  {
    id: 'argument-name',
    title: 'A call lacks an argument',
    pattern: /^(?!Arguments for call are not valid)[^]*?(?:Argument (?<name>\w+) not provided|Unknown keyword argument '(?<other>\w+)')/,
    cause: 'The call gives its arguments other names than the method has, or too few.',
    fix: ({ groups }) => groups['name'] ? `Pass \`${groups['name']}\`, by this name or by its position.` : `Leave out \`${groups['other']!}\`, or correct its name.`,
  },
  {
    id: 'wrong-argument-type',
    title: 'An argument has the wrong type',
    pattern: /Expected a value of type '(?<type>[^']+)' for argument '(?<name>[^']+)' but instead found type '(?<found>[^']+)'/,
    cause: ({ groups }) => `${groups['name'] === '<varargs>' ? 'An argument' : `\`${groups['name']!}\``} must be of type ${groups['type']!}, and is ${groups['found']!.replace(/__torch__\.(?:\w+\.)*/, '').replace(/ \(of .*/, '')}.`,
    fix: ({ groups }) => /int/.test(groups['type']!) && groups['found'] === 'float'
      ? 'Divide whole numbers with `//`, as `/` always gives a float, or round: `int(…)`.'
      : `Convert the value, or say the type of the variable where it is declared: \`: ${groups['type']!}\`.`,
  },
]

/** What to write for methods that TorchScript lacks; `x` is the tensor. */
const OTHER_METHODS: Readonly<Record<string, string>> = {
  nelement: 'x.numel()', new: 'torch.tensor([…], dtype=x.dtype, device=x.device)', storage: 'x.numel()', dims: 'x.dim()',
  new_tensor: 'torch.tensor(…, dtype=x.dtype, device=x.device)', ndimension: 'x.dim()', map_: 'torch.where(…)', apply_: 'torch.where(…)',
}
