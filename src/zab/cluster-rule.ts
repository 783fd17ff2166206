/**
 * Whether a server may follow a leader, judged by the data of both (design D14). The first leader of an ensemble gives
 * the data a cluster id, and a quorum has that id on disk before the first txn is proposed. So if a server with txns
 * meets a leader of another cluster, either a quorum has lost its data or one of the two has foreign data. To follow
 * would cut away what may be the last copy. The cluster id of a log without txns is replaced.
 */

import { hexOfZxid, type ServerId, type Zxid } from '../base/ids.ts'
import { moveDataAway } from '../base/move-data-away.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'

/** What identifies the data of a server. */
export interface DataName {
  /** 0: the log has never held the whole history of a cluster. */
  readonly clusterId: ClusterId
  readonly isEmpty: boolean // no txn, committed or not
}

export type Joining =
  | 'may-join'
  /** Each holds txns of a cluster of its own. */
  | 'refuse'
  /** The leader holds no txn, and the learner does: the learner should lead. */
  | 'leader-must-yield'

export function chooseJoining(learner: DataName, leader: DataName): Joining {
  // A learner without a cluster id has never acknowledged anything: its txns are of an interrupted synchronisation.
  if (learner.isEmpty || learner.clusterId === 0) return 'may-join'
  if (learner.clusterId === leader.clusterId) return 'may-join'
  return leader.isEmpty ? 'leader-must-yield' : 'refuse'
}

export function hexOfCluster(clusterId: ClusterId): string {
  return `0x${clusterId.toString(16)}`
}

/** What is wrong, what this server does about it, and what to do. `isServing`: it has a leader of its own cluster. */
export function describeForeignCluster(
  peer: ServerId,
  ids: { readonly own: ClusterId; readonly theirs: ClusterId },
  isServing: boolean,
): string {
  const [own, theirs] = [hexOfCluster(ids.own), hexOfCluster(ids.theirs)]
  const both = `server ${peer} holds data of cluster ${theirs}, this server of cluster ${own}`
  const outcome = isServing
    ? 'they do not work together, and this server goes on without it'
    : 'to follow it would destroy what this server holds, so this server refuses and serves nothing'
  return (
    `${both}; ${outcome}. Nothing was changed. If cluster ${own} is the right one: stop the servers of cluster ${theirs}, ` +
    `${moveDataAway('their ')}, and start them; they copy what this cluster holds. ` +
    `If cluster ${theirs} is the right one: do the same with the servers of cluster ${own}. ` +
    'With db.autocreate=false, a server that starts empty while there is no leader also needs "zkts-cli data initialize".'
  )
}

/** Two servers of one cluster hold different txns with the zxid `zxid`, or different histories before it. */
export function describeContradiction(peer: ServerId, zxid: Zxid): string {
  return (
    `server ${peer} and this server hold different histories up to ${hexOfZxid(zxid)}, so they do not work together. ` +
    `Nothing was changed. ${describeRepair(peer)}`
  )
}

/** What to do when one of two servers of a cluster lacks what the other holds. It names no side: both may be the right one. */
export function describeRepair(peer: ServerId): string {
  return (
    'One of the two has lost acknowledged writes, or has the data folder of another time or ensemble. Find out which ' +
    `servers hold the right data before you remove anything. If this server holds it: stop server ${peer}, ` +
    `${moveDataAway('its ')}, and start it; it copies what the other servers hold. If ` +
    `server ${peer} holds it: do the same with this server. Keep what was moved away: it may be the only copy of some writes.`
  )
}
