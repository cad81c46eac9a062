import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { textOf } from '../../../../test/code.ts'
import { collect, forgeZip } from '../../../../test/support/archive.ts'
import type { Artifact, Format } from '../../artifact.ts'
import { bytesSource } from '../../archive/byte-source.ts'
import { openArchive } from '../../archive/zip-reader.ts'
import { compile } from '../../compile.ts'
import { loadModule } from '../../script/load.ts'

const FORKS = new URL('../../../../test/fixtures/frontend/forks.pt', import.meta.url)

/** A method that calls itself, which cannot be one flat graph. */
const RECURSIVE = `class Forks(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.Forks, x: Tensor) -> Tensor:
    return (self).down(x, 3, )
  def down(self: __torch__.Forks, x: Tensor, n: int) -> Tensor:
    if torch.gt(n, 0):
      y = (self).down(torch.neg(x), torch.sub(n, 1), )
    else:
      y = x
    return y
`

async function recursive(format: Format): Promise<Artifact> {
  const archive = await openArchive(bytesSource(readFileSync(FORKS)))
  const entries = await Promise.all([...archive.records.values()].map(async (record) => ({
    name: `archive/${record.name}`,
    data: record.name === 'code/__torch__.py' ? new TextEncoder().encode(RECURSIVE) : await record.read(),
  })))
  return compile(bytesSource(forgeZip(entries)), { backend: 'cpu', format, block: [] })
}

describe('a model that cannot be one graph', () => {
  it('is refused for the lite interpreter', async () => {
    await expect(recursive('ptl')).rejects.toMatchObject({ code: 'RECURSIVE_FUNCTION' })
  })

  it('keeps its calls where they can be run, and says so', async () => {
    const artifact = await recursive('torchscript')
    expect(artifact.warnings).toEqual([expect.stringMatching(/^The code is left as it was saved\. .*calls itself/)])
    expect(artifact.facts.bytecodeVersion).toBeUndefined()
    const module = await loadModule(await openArchive(bytesSource(await collect(artifact.stream()))))
    expect(textOf(module.method('forward')!.graph())).toContain('prim::CallMethod[name="down"]')
    expect(textOf(module.method('down')!.graph())).toContain('prim::CallMethod[name="down"]')
  })
})
