// Everything a contributor needs: the workspace, PyTorch and its GPU backends for the comparisons, Chromium and WebKitGTK for the browser tests, nginx for those of remote stores.
import { setUpGpu } from './lib/gpu.mjs'
import { say } from './lib/run.mjs'
import { setUpChromium, setUpNginx, setUpReleases, setUpTorch, setUpUv, setUpWebKit, setUpWorkspace } from './lib/tools.mjs'

await setUpWorkspace()
const torch = await setUpTorch()
const releases = await setUpReleases(torch)
const chromium = await setUpChromium()
const webkit = await setUpWebKit()
const nginx = await setUpNginx()
await setUpUv()
const gpu = await setUpGpu(torch)
const others = releases.map(({ name, python }) => `${name} ${python ?? 'missing'}`).join(', ')
say(`ready: PyTorch ${torch ? `${torch.version} (${torch.python})` : 'missing'}, ${others || 'no other'}, Chromium ${chromium ?? 'missing'}, WebKitGTK ${webkit ? 'there' : 'missing'}, nginx ${nginx ? 'there' : 'missing'}, passes for GPUs ${gpu.shim ? 'there' : 'missing'}, Vulkan on the CPU ${gpu.vulkan ? 'there' : 'missing'}`)
