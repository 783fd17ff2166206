/**
 * Whether a server may follow a leader, by what their data is (design D14). The first leader of an ensemble gives its
 * data a cluster id, and a quorum has that id on disk before the first txn of it is proposed. So where a server with
 * txns meets a leader of another cluster, a quorum has lost its data or one of the two has foreign data, and to follow
 * would cut away what may be the last copy. An id without txns names nothing and is replaced.
 */
import type { ServerId } from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'

/** What a server's log is, in two words. */
export interface DataName {
  /** 0: it has never held a whole history of any cluster. */
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
  // Without a cluster id it has never acknowledged anything: what it holds is the rest of a synchronisation.
  if (learner.isEmpty || learner.clusterId === 0) return 'may-join'
  if (learner.clusterId === leader.clusterId) return 'may-join'
  return leader.isEmpty ? 'leader-must-yield' : 'refuse'
}

export function hexOfCluster(clusterId: ClusterId): string {
  return `0x${clusterId.toString(16)}`
}

/** What is wrong, what comes of it, and the ways out. `isServing`: this server has a leader of its own cluster. */
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
    'move the content of their dataDir and dataLogDir away, except myid, and start them; they copy what this cluster holds. ' +
    `If cluster ${theirs} is the right one: do the same with the servers of cluster ${own}. ` +
    'With db.autocreate=false, a server that starts empty while there is no leader also needs "zkts-cli data initialize".'
  )
}
