/** The path of nginx, where there is one; `scripts/setup.mjs` installs Debian's. */
export function findNginx(): string | undefined

/** A running nginx. */
export interface Nginx {
  /** Of the store: `http://127.0.0.1:…/petal`. */
  readonly url: string
  /** Tokens: one may write and read, the other read. */
  readonly writer: string
  readonly reader: string
  /** Where its files are, `ac/` and `cas/`. */
  readonly files: string
  /** A line for each request: `GET /petal/ac/… 200`. */
  readonly log: string
  stop(): Promise<void>
}

/** Starts nginx as a remote store, with WebDAV's PUT, on a free port. */
export function startNginx(): Promise<Nginx>
