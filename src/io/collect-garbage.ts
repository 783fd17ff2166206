/**
 * Collects the garbage of this thread at once, so that its memory goes back to the system. V8 collects when more is allocated, so
 * a thread that rests keeps what its last work left. Node.js has no function for it without a flag on the command line, and
 * the flag can be set while it runs (`v8.setFlagsFromString`); only a context that is made afterwards has the function.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  try {
    runInNewContext('gc()')
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}
