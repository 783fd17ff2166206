/**
 * The leader's side of a write without a network: requests are prepared against a real tree and the changes in flight,
 * and applied when the test calls `apply`.
 */
import { defaultAccess } from '../../src/auth/access-rules.ts'
import type { AuthId } from '../../src/auth/auth-id.ts'
import type { ErrorName } from '../../src/base/errors.ts'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import type { Result } from '../../src/base/result.ts'
import type { AclWire } from '../../src/protocol/client/acl.ts'
import type { Stat } from '../../src/protocol/client/stat.ts'
import type { Change, Txn } from '../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { PendingChanges } from '../../src/transactions/pending-changes.ts'
import { type PrepareContext, type Prepared, prepare } from '../../src/transactions/prepare.ts'
import type { QuotaExcess, QuotaPolicy } from '../../src/transactions/quota-check.ts'
import type {
  CheckWrite,
  CreateWrite,
  DeleteWrite,
  SetAclWrite,
  SetDataWrite,
  WriteRequest,
} from '../../src/transactions/write-request.ts'
import { DataTree } from '../../src/tree/data-tree.ts'

export const self = 0x100000000000001n as SessionId
export const other = 0x100000000000002n as SessionId
export const alice: AuthId = { scheme: 'digest', id: 'alice:hash=' }
export const superUser: AuthId = { scheme: 'super', id: '' }

export const openAcl: readonly AclWire[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]
export const aclWithout = (bits: number): readonly AclWire[] => [{ perms: 31 & ~bits, scheme: 'world', id: 'anyone' }]

export const create = (path: string, rest: Partial<Omit<CreateWrite, 'kind' | 'path'>> = {}): CreateWrite => ({
  kind: 'create',
  op: 'create',
  path,
  data: null,
  acl: openAcl,
  flags: 0,
  ttlMs: -1n,
  ...rest,
})
export const remove = (path: string, version = -1): DeleteWrite => ({ kind: 'delete', path, version })
export const setData = (path: string, version = -1): SetDataWrite => ({
  kind: 'set-data',
  path,
  data: new Uint8Array(3),
  version,
})
export const setAcl = (path: string, acl: readonly AclWire[] | null = openAcl, version = -1): SetAclWrite => ({
  kind: 'set-acl',
  path,
  acl,
  version,
})
export const check = (path: string, version = -1): CheckWrite => ({ kind: 'check', path, version })
export const closeSession = (sessionId: SessionId): WriteRequest => ({ kind: 'close-session', sessionId })

/** Matches every Stat. */
export const anyStat: Stat = {
  czxid: -1 as Zxid,
  mzxid: -1 as Zxid,
  ctime: -1,
  mtime: -1,
  version: -1,
  cversion: -1,
  aversion: -1,
  ephemeralOwner: (2n ** 64n - 1n) as SessionId,
  dataLength: -1,
  numChildren: -1,
  pzxid: -1 as Zxid,
}

export class LeaderHarness {
  readonly tree = new DataTree(new SessionTable())
  readonly pending = new PendingChanges(this)
  readonly excesses: QuotaExcess[] = []
  enforceQuota = true
  readonly inFlight: { readonly zxid: Zxid; readonly txn: Txn }[] = []
  #lastZxid = 0

  get quotas(): QuotaPolicy {
    return { isEnforced: this.enforceQuota, exceeded: (excess) => this.excesses.push(excess) }
  }

  /** Prepares a request, and proposes the txn if there is one. */
  submit(request: WriteRequest, context: Partial<PrepareContext> = {}): Result<Prepared, ErrorName> {
    const full: PrepareContext = {
      sessionId: self,
      ids: [],
      sessionRefusal: null,
      localOwnerRefusal: null,
      extendedTypesEnabled: false,
      quotas: this.quotas,
      access: defaultAccess,
      keeperCompatibility: true,
      timeMs: 1000,
      origin: null,
      ...context,
    }
    const prepared = prepare(request, this.pending, full)
    if (prepared.ok && prepared.value.kind === 'txn') {
      const zxid = ++this.#lastZxid as Zxid
      this.pending.commitStage(zxid, full.timeMs)
      this.inFlight.push({ zxid, txn: prepared.value.txn })
    }
    return prepared
  }

  /** Applies the oldest `count` txns in flight, all by default. */
  apply(count = this.inFlight.length): void {
    for (const { zxid, txn } of this.inFlight.splice(0, count)) {
      this.tree.applier.apply(zxid, txn, null)
      this.pending.forget(zxid)
    }
  }

  /** Sets up a test: submits, applies, and returns the changes; throws when refused. */
  have(...requests: readonly WriteRequest[]): readonly Change[] {
    const changes: Change[] = []
    for (const request of requests) {
      const prepared = this.submit(request, { ids: [superUser], extendedTypesEnabled: true })
      if (!prepared.ok || prepared.value.kind !== 'txn') throw new Error(`refused: ${JSON.stringify(prepared)}`)
      changes.push(...prepared.value.txn.changes)
      this.apply()
    }
    return changes
  }

  /** The error of a request, or null. */
  errorOf(request: WriteRequest, context: Partial<PrepareContext> = {}): ErrorName | null {
    const prepared = this.submit(request, context)
    return prepared.ok ? null : prepared.error
  }

  /** The changes of a request that must succeed. */
  changesOf(request: WriteRequest, context: Partial<PrepareContext> = {}): readonly Change[] {
    const prepared = this.submit(request, context)
    if (!prepared.ok || prepared.value.kind !== 'txn') throw new Error(`refused: ${JSON.stringify(prepared)}`)
    return prepared.value.txn.changes
  }
}
