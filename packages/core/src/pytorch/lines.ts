const NEWLINE = 0x0a

/**
 * Cuts a stream of bytes into lines of UTF-8. A line of more than `limit` bytes is given once, cut and with `whole` false; the rest of
 * it is dropped. `end` gives what came after the last line end.
 */
export function lineReader(limit: number, onLine: (line: string, whole: boolean) => void): { push(chunk: Uint8Array): void; end(): void } {
  let pieces: Uint8Array[] = []
  let length = 0
  let dropping = false
  const emit = (whole: boolean): void => {
    const line = Buffer.concat(pieces, length).toString('utf8')
    pieces = []
    length = 0
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line, whole)
  }
  const add = (piece: Uint8Array): void => {
    if (dropping || piece.byteLength === 0) return
    const room = limit - length
    pieces.push(piece.byteLength > room ? piece.subarray(0, room) : piece)
    length += Math.min(piece.byteLength, room)
    if (piece.byteLength <= room) return
    dropping = true
    emit(false)
  }
  return {
    push(chunk) {
      let start = 0
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
        add(chunk.subarray(start, at))
        if (!dropping) emit(true)
        dropping = false
        start = at + 1
      }
      add(chunk.subarray(start))
    },
    end() {
      if (length > 0) emit(true)
    },
  }
}
