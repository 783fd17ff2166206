/**
 * What a line of the shell may go on with: commands, their options, words that some take, and paths.
 * Paths are asked of the server, and only while connected, so that a key press never waits for a reconnect.
 */
import { Option } from 'commander'
import { type Client, ClientError } from '../client/types.ts'
import type { Completion } from '../ports/terminal.ts'
import type { CliCommand } from './cli-command.ts'

/** The words that stand for something other than a path or an option. */
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
  if (word.startsWith('/')) return { word, candidates: await paths(word, client) }
  const command = commands.find((each) => each.name === name)
  const words = name === 'addWatch' && before.at(-1) === '-m' ? watchModes : (fixedWords[name] ?? [])
  const candidates = word.startsWith('-') ? optionsOf(command) : words
  return { word, candidates: candidates.filter((each) => each.startsWith(word)) }
}

function optionsOf(command: CliCommand | undefined): readonly string[] {
  const options = (command?.options ?? []).map(({ flags }) => new Option(flags))
  return options.flatMap(({ short, long }) => [short, long].filter((each) => each !== undefined))
}

/** From the last blank that separates; a backslash keeps a blank in the word, as in split-words.ts. */
function lastWordOf(text: string): string {
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ' ' || text[i] === '\t') start = i + 1
  }
  return text.slice(start)
}

async function paths(word: string, client: Client | null): Promise<readonly string[]> {
  if (client?.state.kind !== 'connected') return []
  const path = word.replace(/\\(.)/g, '$1')
  const parentEnd = path.lastIndexOf('/')
  const prefix = path.slice(0, parentEnd + 1)
  try {
    const { children } = await client.getChildren(parentEnd === 0 ? '/' : path.slice(0, parentEnd))
    const found = [...children].sort().map((name) => prefix + name)
    return found.filter((each) => each.startsWith(path)).map((each) => each.replace(/[\\\s'"]/g, '\\$&'))
  } catch (error) {
    if (error instanceof ClientError) return []
    throw error
  }
}
