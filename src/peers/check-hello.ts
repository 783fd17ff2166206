/**
 * The greeting of two servers: the first frame that each sends, and whether the other accepts it. Pure checks in a
 * fixed order, the most informative reason first. If an unknown server passed, it could vote; if data of another
 * ensemble passed, one of the two histories would be cut away.
 */
import type { ServerId } from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { Hello } from '../protocol/peer/peer-message.ts'
import type { LinkCloseReason } from './link-close-reason.ts'

/** Increased with each change of the messages between servers that an older server would not understand. */
export const peerProtocolVersion = 4

export interface HelloExpectation {
  readonly self: ServerId
  readonly voters: readonly ServerId[]
  /** The peer that this server dialled; null when the other side dialled. */
  readonly dialled: ServerId | null
  readonly clusterId: ClusterId
}

export interface HelloProblem {
  readonly reason: LinkCloseReason
  readonly detail: string
}

/** Null: the peer is the expected server. */
export function checkHello(hello: Hello, expected: HelloExpectation): HelloProblem | null {
  const { self, dialled, clusterId } = expected
  if (hello.protocolVersion !== peerProtocolVersion) {
    return problem('protocol-version-differs', `theirs ${hello.protocolVersion}, ours ${peerProtocolVersion}`)
  }
  if (hello.from === self) return problem('same-server-id', `both are ${self}`)
  if (!expected.voters.includes(hello.from)) return problem('unknown-server', `it says that it is ${hello.from}`)
  if (hello.to !== self) {
    return problem('hello-for-another-server', `server ${hello.from} wants server ${hello.to}, this is ${self}`)
  }
  if (dialled !== null && hello.from !== dialled) {
    return problem('hello-for-another-server', `server ${hello.from} answers at the address of server ${dialled}`)
  }
  if (dialled === null && hello.from < self) {
    return problem('called-the-wrong-way', `server ${hello.from} called server ${self}`)
  }
  // Zero: an empty history, which belongs to no ensemble yet and may join any.
  if (hello.clusterId !== 0 && clusterId !== 0 && hello.clusterId !== clusterId) {
    const [theirs, ours] = [hello.clusterId.toString(16), clusterId.toString(16)]
    return problem(
      'peer-of-another-ensemble',
      `server ${hello.from} has data of cluster 0x${theirs}, this server of 0x${ours}`,
    )
  }
  return null
}

function problem(reason: LinkCloseReason, detail: string): HelloProblem {
  return { reason, detail }
}
