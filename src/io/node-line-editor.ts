/**
 * Lines from standard input: at a terminal with Node's readline, which edits, completes and knows the arrow keys;
 * from a pipe as they come.
 * Assumes: it is the only reader of `input`, from `open` on.
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
        // What is being typed may take several rows.
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
  // Node adds a line and then tells; what the listener takes out stays out.
  lines.on('history', (history: string[]) => {
    if (history[0] !== undefined && !options.isRemembered(history[0])) history.shift()
  })
  return lines
}
