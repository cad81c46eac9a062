/** Environment variables, as Node gives them. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * What Python is started with besides the inherited environment; `python --help-env` tells of the names. The worker itself sets what
 * PyTorch asks for.
 */
const SET: Environment = {
  // Text is UTF-8 on every system and in every locale.
  PYTHONUTF8: '1',
  PYTHONIOENCODING: 'utf-8:backslashreplace',
  // What Python prints is shown at once, and is not lost in a crash.
  PYTHONUNBUFFERED: '1',
  // A crash in native code tells the stack of Python.
  PYTHONFAULTHANDLER: '1',
  // Nothing is written beside the app's sources.
  PYTHONDONTWRITEBYTECODE: '1',
  // The order of sets of texts is the same in every run, and with it what is traced.
  PYTHONHASHSEED: '0',
}

/**
 * Left out. The first and the last lead a Python to the standard library of another one, which a virtual environment must not use;
 * with PYTHONINSPECT Python does not end. PYTHONPATH stays: where it is set, the project's own `python train.py` relies on it.
 */
const UNSET: ReadonlySet<string> = new Set(['PYTHONHOME', 'PYTHONINSPECT', '__PYVENV_LAUNCHER__'])

/** The environment that Python is started in, to look at it and to convert. */
export function pythonEnvironment(env: Environment): Environment {
  const inherited = Object.entries(env).filter(([name]) => !UNSET.has(name.toUpperCase()))
  return { ...Object.fromEntries(inherited), ...SET }
}
