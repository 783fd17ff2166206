/**
 * Lines from standard input. At a terminal Node's readline edits and completes them and handles the arrow keys. From a
 * pipe they are read as they arrive.
 * Assumes: from `open` on, nothing else reads `input`.
 */
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import type { LineEditor, LineEditorOptions, OpenLineEditor } from '../ports/terminal.ts'

export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  readonly isTerminal: boolean
}

export function nodeLineEditor(streams: TerminalStreams): LineEditor {
  return { open: (options) => openEditor(streams, options) }
}

function openEditor({ input, output, isTerminal }: TerminalStreams, options: LineEditorOptions): OpenLineEditor {
  const lines = isTerminal ? editedLines(input, output, options) : createInterface({ input, terminal: false })
  let isTyping = false
  lines.on('line', () => {
    isTyping = false
  })
  return {
    lines,
    prompt(text) {
      isTyping = true
      lines.setPrompt(text)
      lines.prompt()
    },
    writeAbove(text) {
      if (isTyping && isTerminal) {
        // The line that is being typed may take several rows.
        moveCursor(output, 0, -lines.getCursorPos().rows)
        cursorTo(output, 0)
        clearScreenDown(output)
        output.write(text)
        lines.prompt(true)
      } else output.write(text)
    },
    close: () => lines.close(),
  }
}

function editedLines(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  options: LineEditorOptions,
): Interface {
  const lines = createInterface({
    input,
    output,
    terminal: true,
    history: [...options.history].reverse(),
    historySize: Math.max(1000, options.history.length),
    removeHistoryDuplicates: true,
    completer: (text: string, done: (error: Error | null, result: [string[], string]) => void) => {
      void options.complete(text).then(({ candidates, word }) => done(null, [[...candidates], word]))
    },
  })
  // Node adds a line to its history and then emits this event. A line that the listener removes stays removed.
  lines.on('history', (history: string[]) => {
    if (history[0] !== undefined && !options.isRemembered(history[0])) history.shift()
  })
  return lines
}
