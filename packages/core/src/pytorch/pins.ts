/** Requirements of a PyTorch that is known to convert, for a range of Pythons. */
export interface Pin {
  /** Minor versions of Python 3 that have wheels, both included. */
  readonly from: number
  readonly to: number
  readonly torch: string
  readonly requirements: readonly string[]
}

/** Wheels without CUDA. On macOS the wheels of the Python Package Index have none anyway. */
export const CPU_INDEX = 'https://download.pytorch.org/whl/cpu'

/**
 * The releases that `petal setup` installs, preferred first; which wheels exist is listed at https://pypi.org/project/torch/#files.
 * 2.6.0 is the newest without deprecations of torch.jit, and has XNNPACK; 2.15.0 is for Pythons that 2.6.0 has no wheels for.
 */
const PINS: readonly Pin[] = [
  { from: 9, to: 13, torch: '2.6.0', requirements: ['torch==2.6.0', 'numpy'] },
  { from: 14, to: 15, torch: '2.15.0', requirements: ['torch==2.15.0', 'numpy'] },
]

/** The last release with wheels for Macs with Intel processors; it was built for NumPy 1. */
const INTEL_MAC: readonly Pin[] = [{ from: 8, to: 12, torch: '2.2.2', requirements: ['torch==2.2.2', 'numpy<2'] }]

/** The pins for a machine. */
export function pinsFor(platform: NodeJS.Platform = process.platform, arch: string = process.arch): readonly Pin[] {
  return platform === 'darwin' && arch === 'x64' ? INTEL_MAC : PINS
}

/** The pin for a Python `3.11.2`; undefined where no release has wheels for it. */
export function pinFor(python: string, pins: readonly Pin[] = pinsFor()): Pin | undefined {
  const [major, minor = 0] = python.split('.').map(Number)
  return major === 3 ? pins.find(({ from, to }) => minor >= from && minor <= to) : undefined
}

/** `3.9 to 3.15`. */
export function supportedPythons(pins: readonly Pin[] = pinsFor()): string {
  return `3.${Math.min(...pins.map(({ from }) => from))} to 3.${Math.max(...pins.map(({ to }) => to))}`
}

/** Installs a pinned release by hand: with the Python `command` of version `python`, where that is known and has wheels. */
export function pipLine(command?: string, python?: string, platform: NodeJS.Platform = process.platform): string {
  const pins = pinsFor(platform)
  const own = python === undefined ? undefined : pinFor(python, pins)
  const interpreter = own !== undefined && command !== undefined ? command : platform === 'win32' ? 'py' : 'python3'
  const index = platform === 'darwin' ? '' : ` --index-url ${CPU_INDEX}`
  return `${interpreter} -m pip install torch==${(own ?? pins[0]!).torch}${index}`
}
