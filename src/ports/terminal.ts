/**
 * Reads lines from a person at a terminal, with editing, history and completion, or from a pipe without them.
 */
export interface LineEditor {
  open(options: LineEditorOptions): OpenLineEditor
}

export interface LineEditorOptions {
  /** For the arrow keys, oldest first. */
  readonly history: readonly string[]
  /** False: the arrow keys do not offer the line again. */
  isRemembered(line: string): boolean
  /** How the text before the cursor may continue; must not reject. */
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
