/**
 * Which requests must not be decided now, because a later request of the same client was carried out. Leaders decide
 * the requests of a session in order, so an earlier leader has refused the earlier one, and its answer is lost. To decide
 * it again would change the order of the client's requests (invariant 5); its connection closes.
 */
import type { Awaited } from './awaited-outcomes.ts'
import type { Client, PendingRequest } from './client.ts'

/**
 * The clients with a request that is in doubt. `proposed` has the numbers of the requests that are txns in this server's
 * history and are not committed yet. `isEmpty`: this server has no txn. It may lose to a server that has some
 * (src/zab/vote-order.ts), so txns of these requests may come back.
 */
export function clientsInDoubt(
  awaited: readonly (readonly [number, Awaited])[],
  proposed: ReadonlySet<number>,
  isEmpty: boolean,
): ReadonlySet<Client> {
  const survived = new Set<Client>()
  const inDoubt = new Set<Client>()
  for (const [sequence, each] of awaited.toReversed()) {
    if (each.kind !== 'request' || each.sent === null || each.client.isGone) continue // no leader decides a step of a backup
    if (proposed.has(sequence)) survived.add(each.client)
    else if (isEmpty || survived.has(each.client)) inDoubt.add(each.client)
  }
  return inDoubt
}

/** Whether a request became a txn before an earlier one of its client has an outcome. */
export function isOvertaking(pending: PendingRequest): boolean {
  const { queue } = pending.client
  if (queue[0] === pending) return false
  for (const earlier of queue) {
    if (earlier === pending) return false
    if (earlier.state.kind === 'with-leader') return true
  }
  return false
}
