import { openModel } from '../model.ts'
import type { Arguments } from './arguments.ts'
import { print } from './terminal.ts'

/** `petal inspect`: says what is in a file. */
export async function inspect(args: Arguments): Promise<void> {
  const model = await openModel(args.operand)
  try {
    print(model.kind.kind)
  } finally {
    await model.close()
  }
}
