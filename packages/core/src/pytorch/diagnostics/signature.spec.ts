import { describe, expect, it } from 'vitest'
import { annotated, returning, signatureAt, typeOfLiteral, untyped } from './signature.ts'

const LINES = [
  'class Net(nn.Module):', '    def forward(', '        self,', '        x: Dict[str, Tensor],  # all of them', '        k=(1, 2),', '        *, mode="a, b",', '    ):',
  '        y = x', '        return y', '', '    def other(self, x, n = 3) -> List[int]:  # short', '        return [n]', 'z = 1',
]

describe('the head of a function', () => {
  it('is found from a line in it, also over several lines', () => {
    expect(signatureAt({ lines: LINES, line: 9 })?.text).toBe('def forward(self, x: Dict[str, Tensor], k=(1, 2), *, mode="a, b"):')
    expect(signatureAt({ lines: LINES, line: 4 })?.name).toBe('forward')
    expect(signatureAt({ lines: LINES, line: 11 })?.text).toBe('def other(self, x, n = 3) -> List[int]:')
    expect(signatureAt({ lines: LINES, line: 13 })).toBeUndefined()
    expect(signatureAt({ lines: [], line: 0 })).toBeUndefined()
  })

  it('tells its parameters, and which have no type', () => {
    expect(untyped(signatureAt({ lines: LINES, line: 8 }))).toEqual(['k', 'mode'])
    expect(untyped(signatureAt({ lines: LINES, line: 12 }))).toEqual(['x', 'n'])
  })

  it('is written with a type, as Python style has it', () => {
    const signature = signatureAt({ lines: LINES, line: 12 })!
    expect(annotated(signature, 'x', 'int')).toBe('def other(self, x: int, n = 3) -> List[int]:')
    expect(annotated(signature, 'n', 'int')).toBe('def other(self, x, n: int = 3) -> List[int]:')
    expect(annotated({ ...signature, text: 'def f(x=1.5):' }, 'x', 'float')).toBe('def f(x: float = 1.5):')
    expect(returning(signature, 'Optional[Tensor]')).toBe('def other(self, x, n = 3) -> Optional[Tensor]:')
  })
})

it('the type of a plain literal is known', () => {
  expect(['1', '-2', '1.5', '1e-3', 'True', '"a"', '[1, 2]', '[0.5]', 'None'].map(typeOfLiteral))
    .toEqual(['int', 'int', 'float', 'float', 'bool', 'str', 'List[int]', 'List[float]', 'Optional[Tensor]'])
  expect(typeOfLiteral('make()')).toBe('its type')
})
