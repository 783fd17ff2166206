/** Sends a four-letter word to one server and reads its answer until the server closes the connection. */
import type { AdminWord } from '../base/admin-words.ts'
import { err, ok, type Result } from '../base/result.ts'
import { describeAddress } from '../client/connect-string.ts'
import { explainDialFailure } from '../client/dial-failure.ts'
import type { Address } from '../ports/stream.ts'
import type { CliContext } from './cli-context.ts'

/** After the sentence with which a server refuses a word. The key replaces the words that are answered without it. */
export const whitelistAdvice =
  "Write 4lw.commands.whitelist=* in the server's zoo.cfg, or all words that it is to answer, this one among them, and restart it"

export type AskFailure = { readonly kind: 'unreachable' | 'lost'; readonly message: string }

/** `traceMask` is the argument of stmk; null for all other words. */
export interface AskedWord {
  readonly word: AdminWord
  readonly traceMask: bigint | null
}

export interface AskTimes {
  readonly connectMs: number
  readonly answerMs: number
}

export function askWord(
  cli: Pick<CliContext, 'dialer' | 'timers'>,
  address: Address,
  { word, traceMask }: AskedWord,
  { connectMs, answerMs }: AskTimes,
): Promise<Result<string, AskFailure>> {
  const server = describeAddress(address)
  return new Promise((resolve) => {
    cli.dialer.dial(address, connectMs, (outcome) => {
      if (!outcome.ok) {
        resolve(
          err({ kind: 'unreachable', message: `cannot connect to ${server}: ${explainDialFailure(outcome.error)}` }),
        )
        return
      }
      const { stream } = outcome
      const decoder = new TextDecoder()
      let text = ''
      const cancel = cli.timers.after(answerMs, () => {
        resolve(err({ kind: 'lost', message: `${server} did not answer ${word} within ${answerMs} ms` }))
        stream.destroy()
      })
      stream.handle({
        onData: (bytes) => {
          text += decoder.decode(bytes, { stream: true })
        },
        onDrain: () => undefined,
        // The close ends the answer. A server that does not know the word closes without an answer.
        onClose: (error) => {
          cancel()
          // The answer to `hash` is empty on a server that has applied few txns.
          if (text !== '' || (word === 'hash' && error === null)) resolve(ok(text))
          else
            resolve(err({ kind: 'lost', message: `${server} closed without an answer to ${word}${reasonOf(error)}` }))
        },
      })
      stream.write(bytesOf(word, traceMask))
    })
  })
}

function bytesOf(word: AdminWord, traceMask: bigint | null): Uint8Array {
  const letters = new TextEncoder().encode(word)
  if (traceMask === null) return letters
  const bytes = new Uint8Array(letters.length + 8)
  bytes.set(letters)
  new DataView(bytes.buffer).setBigInt64(letters.length, traceMask)
  return bytes
}

function reasonOf(error: Error | null): string {
  return error === null ? '' : `: ${error.message}`
}
