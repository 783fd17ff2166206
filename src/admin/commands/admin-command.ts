/**
 * What an admin command is: names, and a function from the state of the server to a typed answer. How the answer is sent, as JSON
 * over HTTP or otherwise, is decided elsewhere. Keys and types of the fields are those of ZooKeeper's AdminServer (ZK: Commands.java).
 */
import type { ServerId } from '../../base/ids.ts'
import type { AdminSources } from '../admin-sources.ts'
import type { AdminAction } from '../four-letter-words.ts'
import type { JsonValue } from './json-text.ts'

export interface CommandSources extends AdminSources {
  /** Milliseconds since 1970 at the moment of the status. */
  readonly wallMs: number
  /** The leader of this server, which may be itself; null: it has none, or is standalone. */
  readonly leaderId: ServerId | null
}

/** What is changed before the answer is sent. */
export type CommandAction = Exclude<AdminAction, { readonly kind: 'make-checkpoint' | 'hand-over' }>

export type CommandFields = ReadonlyMap<string, JsonValue>

export interface CommandAnswer {
  readonly fields: CommandFields
  readonly error: string | null
  readonly action: CommandAction | null
}

export interface AdminCommand {
  /** The first one is the name that answers show. */
  readonly names: readonly [name: string, ...aliases: string[]]
  readonly meaning: string
  /** A server that does not serve clients answers with an error instead. */
  readonly needsServing: boolean
  /** `args` are those of the address. */
  readonly answer: (sources: CommandSources, args: ReadonlyMap<string, string>) => CommandAnswer
}

export function answerOf(fields: CommandFields, error: string | null = null): CommandAnswer {
  return { fields, error, action: null }
}
