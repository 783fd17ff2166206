/**
 * The syntax of Java properties files, in which zoo.cfg is written (java.util.Properties.load): `=`, `:` or blanks
 * separate key and value, `#` and `!` open comments, a backslash escapes or continues the line.
 * Owns: text to entries with line numbers. Knows no key. Values are trimmed, as ZooKeeper trims them.
 */
export interface ConfigEntry {
  readonly key: string
  readonly value: string
  /** From 1; of a continued entry, its first line. */
  readonly line: number
}

export interface ConfigText {
  /** In file order, doubles included. */
  readonly entries: readonly ConfigEntry[]
  readonly malformed: readonly { readonly line: number; readonly text: string; readonly wrong: string }[]
}

export function parseConfigText(text: string): ConfigText {
  const entries: ConfigEntry[] = []
  const malformed: { line: number; text: string; wrong: string }[] = []
  for (const { content, line } of logicalLines(text)) {
    const { key, value } = splitAtSeparator(content)
    const plainKey = resolveEscapes(key)
    const plainValue = resolveEscapes(value)
    if (plainKey === null || plainValue === null) {
      malformed.push({ line, text: content, wrong: '\\u must be followed by four hexadecimal digits' })
    } else {
      entries.push({ key: trimmed(plainKey), value: trimmed(plainValue), line })
    }
  }
  return { entries, malformed }
}

/** Trims as Java does: control characters and blanks, but not the no-break space, which may end a path. */
function trimmed(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Java trims them
  return text.replace(/^[\u0000- ]+|[\u0000- ]+$/g, '')
}

interface LogicalLine {
  readonly content: string
  readonly line: number
}

/** Joins continued lines and drops comments and empty lines. A comment cannot be continued. */
function logicalLines(text: string): readonly LogicalLine[] {
  const result: LogicalLine[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  for (let i = 0; i < lines.length; i++) {
    let content = withoutLeadingBlanks(lines[i]!)
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue
    const line = i + 1
    while (endsInContinuation(content)) {
      content = content.slice(0, -1)
      // After a backslash alone nothing has begun yet, so the next line may be a comment.
      if (content === '' || i + 1 === lines.length) break
      i++
      content += withoutLeadingBlanks(lines[i]!)
    }
    if (content !== '') result.push({ content, line })
  }
  return result
}

function withoutLeadingBlanks(text: string): string {
  return text.replace(/^[ \t\f]+/, '')
}

/** An odd number of backslashes: the last one is not itself escaped. */
function endsInContinuation(text: string): boolean {
  let count = 0
  while (count < text.length && text[text.length - 1 - count] === '\\') count++
  return count % 2 === 1
}

function splitAtSeparator(content: string): { readonly key: string; readonly value: string } {
  let end = 0
  while (end < content.length && !/[=: \t\f]/.test(content[end]!)) end += content[end] === '\\' ? 2 : 1
  const rest = content.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return { key: content.slice(0, end), value: rest }
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/** Null if a \u escape is malformed; a backslash before any other character vanishes. */
function resolveEscapes(text: string): string | null {
  if (!text.includes('\\')) return text
  let result = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      result += text[i]
      continue
    }
    i++
    const escaped = text[i] ?? ''
    if (escaped !== 'u') {
      result += escapes[escaped] ?? escaped
      continue
    }
    const digits = text.slice(i + 1, i + 5)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return null
    result += String.fromCharCode(Number.parseInt(digits, 16))
    i += 4
  }
  return result
}
