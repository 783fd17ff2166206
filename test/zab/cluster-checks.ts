/**
 * What must be true of a cluster after every step, whatever fails. The checks use effects and logs only, never the
 * inside of a server, and they compare with one history: all that any server has delivered.
 */
import { type Epoch, epochOf, hexOfZxid, type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import type { Membership } from '../../src/membership/membership.ts'
import type { TxnEntry } from '../../src/protocol/disk/log-record.ts'
import type { ZabMessage } from '../../src/protocol/peer/peer-message.ts'
import { followsInOrder, type HistoryPoint } from '../../src/zab/history.ts'
import type { TestLog } from '../support/test-log.ts'

/**
 * A request to a leader to confirm that it leads, with the count that it and all servers had delivered at that time.
 */
interface Confirmation {
  readonly sequence: number
  readonly deliveredHere: number
  readonly deliveredAnywhere: number
}

export class ClusterChecks {
  /** The one history. */
  readonly committed: TxnEntry[] = []
  readonly #committedIn: Epoch[] = [] // for each of `committed`
  readonly #indexOf = new Map<Zxid, number>()
  readonly #leaderOf = new Map<Epoch, ServerId>()
  readonly #delivered = new Map<ServerId, number>()
  readonly #confirmations = new Map<ServerId, Confirmation[]>()
  readonly #logs: ReadonlyMap<ServerId, TestLog>
  readonly #membership: Membership

  constructor(logs: ReadonlyMap<ServerId, TestLog>, membership: Membership) {
    this.#logs = logs
    this.#membership = membership
  }

  readonly isCommitted = (entry: TxnEntry): boolean => {
    const index = this.#indexOf.get(entry.zxid)
    return index !== undefined && this.committed[index]!.hash === entry.hash
  }

  /** The history begins with `entry`, or goes on with it. `committedIn`: the epoch in which it was first delivered. */
  assume(entry: TxnEntry, committedIn = epochOf(entry.zxid)): void {
    this.#indexOf.set(entry.zxid, this.committed.length)
    this.committed.push(entry)
    this.#committedIn.push(committedIn)
  }

  deliveredBy(server: ServerId): number {
    return this.#delivered.get(server) ?? 0
  }

  /** A server starts and has applied everything up to `zxid`. */
  started(server: ServerId, zxid: Zxid): void {
    const index = zxid === zeroZxid ? -1 : this.#indexOf.get(zxid)
    if (index === undefined)
      throw new Error(`server ${server} starts from ${hexOfZxid(zxid)}, which no server delivered`)
    this.#delivered.set(server, index + 1)
    this.#confirmations.delete(server)
  }

  /** `epoch`: the current epoch of the server. */
  delivered(server: ServerId, entry: TxnEntry, epoch: Epoch): void {
    const index = this.deliveredBy(server)
    this.#delivered.set(server, index + 1)
    const known = this.committed[index]
    if (known !== undefined) {
      if (known.zxid === entry.zxid && known.hash === entry.hash) return
      throw new Error(
        `server ${server} delivers ${hexOfZxid(entry.zxid)} where others had ${hexOfZxid(known.zxid)}: histories fork`,
      )
    }
    const last = this.committed.at(-1)?.zxid ?? zeroZxid
    if (!followsInOrder(last, entry.zxid)) throw new Error(`${hexOfZxid(entry.zxid)} follows ${hexOfZxid(last)}: a gap`)
    // A log counts if its current epoch is this one or later; a history of an older epoch may still lose an election.
    const holds = (id: ServerId): boolean => {
      const log = this.#logs.get(id)!
      return (log.currentEpoch >= epoch && log.holds(entry)) || log.heldBeforeLoss(entry, epoch)
    }
    if (!this.#membership.isQuorum(holds)) {
      const holders = this.#membership.members.filter(holds)
      throw new Error(`server ${server} delivers ${hexOfZxid(entry.zxid)}, which only the logs of ${holders} hold`)
    }
    this.assume(entry, epoch)
  }

  /** A server has a copy of the state at `point`, and delivers what follows it; zxid 0: it has given up such a copy. */
  installed(server: ServerId, { zxid, hash }: HistoryPoint): void {
    const index = zxid === zeroZxid ? -1 : this.#indexOf.get(zxid)
    if (index === undefined || (index >= 0 && this.committed[index]!.hash !== hash)) {
      throw new Error(`server ${server} installs ${hexOfZxid(zxid)}, which is not committed`)
    }
    claim(index < 0 || index >= this.deliveredBy(server), server, `goes back to ${hexOfZxid(zxid)}`)
    this.#delivered.set(server, index + 1)
  }

  /** What a server promises in a message is in its log first (ZOOKEEPER-3911, 4646, 4785). */
  sent(server: ServerId, message: ZabMessage): void {
    const log = this.#logs.get(server)!
    switch (message.kind) {
      case 'new-epoch':
        return claim(log.acceptedEpoch >= message.epoch, server, 'sends an epoch that it has not saved')
      case 'ack-epoch':
        return claim(log.lastZxid >= message.lastZxid, server, 'sends the end of a history that it has not saved')
      case 'ack-new-leader':
      case 'ack':
        return claim(log.lastZxid >= message.durable, server, `acknowledges ${hexOfZxid(message.durable)} unsaved`)
      default:
    }
  }

  established(server: ServerId, epoch: Epoch): void {
    claim(this.#membership.isVoter(server), server, 'leads and has no vote')
    claim(this.#logs.get(server)!.currentEpoch >= epoch, server, 'leads an epoch later than the current one of its log')
    const other = this.#leaderOf.get(epoch)
    if (other !== undefined) throw new Error(`servers ${other} and ${server} both lead epoch ${epoch}`)
    this.#leaderOf.set(epoch, server)
    // A leader that was paused may be established late, when a later epoch already works without it. That one may have begun
    // with txns of an earlier epoch, which were not committed until then: a history with txns wins over an empty one.
    const missing = this.#committedIn.slice(this.deliveredBy(server)).filter((committedIn) => committedIn < epoch)
    if (missing.length > 0) throw new Error(`server ${server} leads epoch ${epoch} and lacks ${missing.length} txns`)
  }

  confirmationAsked(server: ServerId, sequence: number): void {
    const asked = this.#confirmations.get(server) ?? []
    asked.push({ sequence, deliveredHere: this.deliveredBy(server), deliveredAnywhere: this.committed.length })
    this.#confirmations.set(server, asked)
  }

  /** A sync that is answered now shows what the leader had delivered when it was asked; no server may have had more. */
  confirmed(server: ServerId, sequence: number): void {
    const asked = this.#confirmations.get(server) ?? []
    for (const { sequence: of, deliveredHere, deliveredAnywhere } of asked) {
      if (of <= sequence && deliveredHere < deliveredAnywhere) {
        throw new Error(`server ${server} is confirmed as leader, but lacks ${deliveredAnywhere - deliveredHere} txns`)
      }
    }
    this.#confirmations.set(
      server,
      asked.filter(({ sequence: of }) => of > sequence),
    )
  }

  stoppedServing(server: ServerId): void {
    this.#confirmations.delete(server)
  }
}

function claim(holds: boolean, server: ServerId, complaint: string): void {
  if (!holds) throw new Error(`server ${server} ${complaint}`)
}
