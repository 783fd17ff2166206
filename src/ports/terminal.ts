/**
 * Where lines come from: a person at a terminal, with editing, history and completion, or a pipe without them.
 */
export interface LineEditor {
  open(options: LineEditorOptions): OpenLineEditor
}

export interface LineEditorOptions {
  /** For the arrow keys, oldest first. */
  readonly history: readonly string[]
  /** False keeps a line from the arrow keys. */
  isRemembered(line: string): boolean
  /** What the text before the cursor may go on with; must not reject. */
  complete(text: string): Promise<Completion>
}

/** Each candidate may replace `word`, the end of the text before the cursor. */
export interface Completion {
  readonly word: string
  readonly candidates: readonly string[]
}

export interface OpenLineEditor {
  /** Ends with the input, or once closed. */
  readonly lines: AsyncIterable<string>
  /** Asks for the next line. */
  prompt(text: string): void
  /** Writes lines above the one that is being typed, if one is. */
  writeAbove(text: string): void
  close(): void
}

/** Lines that outlive the shell. */
export interface LineHistory {
  /** Oldest first. */
  load(): Promise<readonly string[]>
  append(line: string): Promise<void>
}
