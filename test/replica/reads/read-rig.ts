/**
 * One client and the reads of a server: a tree to read, a table of watches, and requests as encoded bytes. It returns
 * the error and the encoded body of each answer.
 */
import { defaultAccess } from '../../../src/auth/access-rules.ts'
import type { AuthId } from '../../../src/auth/auth-id.ts'
import { withIds } from '../../../src/auth/auth-id.ts'
import type { ConnectionId, SessionId } from '../../../src/base/ids.ts'
import type { Codec } from '../../../src/jute/record.ts'
import { decode } from '../../../src/jute/record.ts'
import { NamespaceBytes } from '../../../src/metrics/namespace-bytes.ts'
import { newMetrics } from '../../../src/metrics/server-metrics.ts'
import { type OpName, ops } from '../../../src/protocol/client/operations.ts'
import { Client, local } from '../../../src/replica/clients/client.ts'
import { ConfigZnode } from '../../../src/replica/reads/config-znode.ts'
import { type KeeperConfig, KeeperZnodes } from '../../../src/replica/reads/keeper/keeper-znodes.ts'
import type { ReadAnswer, ReadContext } from '../../../src/replica/reads/read-answer.ts'
import { answerRead } from '../../../src/replica/reads/read-requests.ts'
import { WatchTable } from '../../../src/watches/watch-table.ts'
import { requestRead } from '../../support/conversation.ts'
import { TreeDriver } from '../../support/tree-driver.ts'

export const keeperConfig: KeeperConfig = {
  extendedTypesEnabled: true,
  keeperAvailabilityZone: null,
  clientLimits: { frameSizeBytesMax: 1048575 },
}

export class ReadRig {
  readonly driver = new TreeDriver()
  readonly watches = new WatchTable()
  readonly reads = new NamespaceBytes(newMetrics().read_per_namespace)
  keeper: KeeperZnodes | null = new KeeperZnodes(keeperConfig)
  readonly client = new Client(1 as ConnectionId, '127.0.0.1')

  readonly #rules: Pick<ReadContext, 'access' | 'configZnode'>

  constructor(
    sessionId: SessionId = 0x0100_0000_0000_0001n as SessionId,
    rules: Partial<Pick<ReadContext, 'access' | 'configZnode'>> = {},
  ) {
    this.#rules = { access: defaultAccess, configZnode: new ConfigZnode(null), ...rules }
    this.client.session = { id: sessionId, timeoutMs: 10_000, isLocal: false }
  }

  authenticate(...ids: readonly AuthId[]): void {
    this.client.authIds = withIds(this.client.authIds, ids)
  }

  ask(op: OpName, body: Uint8Array): ReadAnswer {
    const { client } = this
    const request = requestRead(1, 1, ops[op].opcode, body)
    return answerRead(
      { kind: 'request', client, request, authIds: client.authIds, state: local, sent: null },
      {
        tree: this.driver.tree,
        watches: this.watches,
        reads: this.reads,
        keeper: this.keeper,
        watchesNullPaths: false,
        decodesNullWrites: false,
        ...this.#rules,
      },
    )
  }
}

export function bodyAs<T>(codec: Codec<T>, answer: ReadAnswer): T {
  if (answer.error !== null || answer.body === null) throw new Error(`no body but ${answer.error}`)
  const decoded = decode(codec, answer.body)
  if (!decoded.ok) throw new Error('the reply does not decode')
  return decoded.value
}
