import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Executes code after code in one process, each in the folder and as the main script that it is given, so that torch is imported once. */
const LOOP = `
import json, os, sys, traceback, types, warnings
warnings.simplefilter("ignore")
import torch
for line in sys.stdin:
    request = json.loads(line)
    os.chdir(request["folder"]); sys.path[0] = request["folder"]
    before = set(sys.modules)
    main = types.ModuleType("__main__"); sys.modules["__main__"] = main
    main.__dict__.update(torch=torch, nn=torch.nn, result=None)
    try:
        exec(request["code"], main.__dict__)
        answer = {"result": main.result}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(request["folder"]): del sys.modules[name]
    print(json.dumps(answer), flush=True)
`

/** A real Python for tests, which stays up. */
export class Python {
  readonly #child: ChildProcess
  readonly #waiting: ((line: string) => void)[] = []

  constructor(executable: string) {
    this.#child = spawn(executable, ['-c', LOOP], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#waiting.shift()?.(line))
  }

  /** What `code` sets `result` to, as JSON; it has `torch` and `nn`. */
  async run(folder: string, code: string): Promise<unknown> {
    const line = new Promise<string>((resolve) => { this.#waiting.push(resolve) })
    this.#child.stdin!.write(`${JSON.stringify({ folder, code })}\n`)
    const answer = JSON.parse(await line) as { result?: unknown; error?: string }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.result
  }

  close(): void {
    this.#child.stdin!.end()
  }
}
