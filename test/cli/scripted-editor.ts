/** A line editor with fixed lines. */
import type { LineEditor } from '../../src/ports/terminal.ts'

export function scriptedEditor(input: readonly string[]): LineEditor {
  return {
    open: () => ({
      lines: (async function* () {
        yield* input
      })(),
      prompt: () => undefined,
      writeAbove: () => undefined,
      close: () => undefined,
    }),
  }
}
