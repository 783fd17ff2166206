/**
 * Files and functions above the limits of length, and why each is better unsplit. The list may only shrink: the suite fails
 * if an entry is no longer needed, or if its file or function has grown past the length it was granted.
 */
export interface LengthException {
  /** A file, or `file: function`. */
  readonly subject: string
  readonly linesMax: number
  readonly reason: string
}

export const fileLinesWarned = 400
export const fileLinesMax = 600
export const functionLinesMax = 70

export const longFiles: readonly LengthException[] = []

export const longFunctions: readonly LengthException[] = [
  {
    subject: 'test/compat/wire/request-checks.ts: nodeChecks',
    linesMax: 126,
    reason: 'a flat list of checks, each of a few lines, read one at a time',
  },
  {
    subject: 'test/compat/wire/request-checks.ts: multiChecks',
    linesMax: 85,
    reason: 'a flat list of checks, each of a few lines, read one at a time',
  },
  {
    subject: 'test/compat/wire/watch-checks.ts: catchUpChecks',
    linesMax: 72,
    reason: 'a flat list of checks, each of a few lines, read one at a time',
  },
  {
    subject: 'test/simulator/checkers/session-expiry.ts: sessionExpiry',
    linesMax: 79,
    reason: 'the facts it keeps are shared by the short functions inside it',
  },
]

/** Files of pure folders that catch, and why. */
export const catching: Readonly<Record<string, string>> = {
  'src/protocol/peer/peer-codec.ts': 'protobufjs reports malformed bytes by throwing; the codec makes a value of it',
}
