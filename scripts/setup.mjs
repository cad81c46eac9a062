// Everything a contributor needs: the workspace, PyTorch for the comparisons, Chromium for the browser tests.
import { say } from './lib/run.mjs'
import { setUpChromium, setUpTorch, setUpWorkspace } from './lib/tools.mjs'

await setUpWorkspace()
const torch = await setUpTorch()
const chromium = await setUpChromium()
say(`ready: PyTorch ${torch ? `${torch.version} (${torch.python})` : 'missing'}, Chromium ${chromium ?? 'missing'}`)
