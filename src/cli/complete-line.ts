/**
 * Completion in the shell: commands, their options, fixed arguments, and paths.
 * Paths are read from the server, and only while connected, so that the Tab key never waits for a reconnect.
 */
import { Option } from 'commander'
import { type Client, ClientError } from '../client/types.ts'
import type { Completion } from '../ports/terminal.ts'
import type { CliCommand } from './cli-command.ts'
import { lastWordOf, quotedWord } from './split-words.ts'

/** Arguments that are neither a path nor an option. */
const fixedWords: Readonly<Record<string, readonly string[]>> = {
  printwatches: ['on', 'off'],
  addauth: ['digest'],
}
const watchModes = ['PERSISTENT', 'PERSISTENT_RECURSIVE']

export async function completeLine(
  text: string,
  commands: readonly CliCommand[],
  client: Client | null,
): Promise<Completion> {
  const word = lastWordOf(text)
  const before = text
    .slice(0, text.length - word.length)
    .trim()
    .split(/\s+/)
  const [name = ''] = before
  if (name === '' || name === 'help') {
    const names = [...commands.map((command) => command.name), 'help', 'version']
    return {
      word,
      candidates: names
        .filter((each) => each.startsWith(word))
        .sort()
        .map((each) => `${each} `),
    }
  }
  if (/^["']?\//.test(word)) return { word, candidates: await paths(word, client) }
  const command = commands.find((each) => each.name === name)
  const words = name === 'addWatch' && before.at(-1) === '-m' ? watchModes : (fixedWords[name] ?? [])
  const candidates = word.startsWith('-') ? optionsOf(command) : words
  return { word, candidates: candidates.filter((each) => each.startsWith(word)) }
}

function optionsOf(command: CliCommand | undefined): readonly string[] {
  const options = (command?.options ?? []).map(({ flags }) => new Option(flags))
  return options.flatMap(({ short, long }) => [short, long].filter((each) => each !== undefined))
}

async function paths(word: string, client: Client | null): Promise<readonly string[]> {
  if (client?.state.kind !== 'connected') return []
  const quote = word.startsWith('/') ? null : word[0]!
  const path = quote === null ? word : word.slice(1, word.endsWith(quote) ? -1 : undefined)
  const parentEnd = path.lastIndexOf('/')
  const prefix = path.slice(0, parentEnd + 1)
  try {
    const { children } = await client.getChildren(parentEnd === 0 ? '/' : path.slice(0, parentEnd))
    const found = [...children].sort().map((name) => prefix + name)
    return found
      .filter((each) => each.startsWith(path))
      .map((each) => (quote === null || each.includes(quote) ? quotedWord(each) : quote + each + quote))
      .filter((each) => each !== null)
  } catch (error) {
    if (error instanceof ClientError) return []
    throw error
  }
}
