/**
 * The parts of a cluster of `Zab` objects: its servers, the events that may happen to them, and its times, all short,
 * so that one second has many elections.
 */
import { type Epoch, type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import type { Membership } from '../../src/membership/membership.ts'
import type { ZabMessage } from '../../src/protocol/peer/peer-message.ts'
import type { Zab } from '../../src/zab/zab.ts'
import type { CopyAnswer, StorageEffect, ZabEffect } from '../../src/zab/zab-contract.ts'
import type { TestCheckpoint, TestLog } from '../support/test-log.ts'
import type { LinkEvent } from './test-links.ts'

export interface ClusterOptions {
  /** Its members are 1, 2, … */
  readonly membership: Membership
  readonly seed: number
  readonly messageDelayMsMax: number
  readonly diskDelayMsMax: number
  /** False: no timer of an election runs out, so a server that depends on one waits forever. */
  readonly hasTimeouts?: boolean
  /** Whether copies of the state fail now and then: when they are opened, sent, stored and verified. */
  readonly copiesFail?: () => boolean
  /** Called after every step, for traces and for faults at an exact moment. */
  readonly onStep?: (step: ClusterStep) => void
  /** Replaces a message that arrives: no outcome of an election may do harm. */
  readonly replace?: (from: ServerId, to: ServerId, message: ZabMessage) => ZabMessage
}

export type ClusterStep =
  | { readonly kind: 'arrival'; readonly from: ServerId; readonly to: ServerId; readonly message: ZabMessage }
  | { readonly kind: 'effect'; readonly server: ServerId; readonly effect: ZabEffect }
  | { readonly kind: 'durable'; readonly server: ServerId; readonly effect: StorageEffect }
  | { readonly kind: 'link'; readonly server: ServerId } // came up or went down

export interface Serving {
  readonly as: 'leader' | 'follower'
  readonly epoch: Epoch
}

export interface ClusterServer {
  readonly id: ServerId
  readonly log: TestLog
  zab: Zab | null // null: crashed
  serving: Serving | null
  isHandingOver: boolean
  life: number // grows with each start
  isPaused: boolean
  inbox: PlannedEvent[] // the events that came during a pause
  turnIsPlanned: boolean
  diskIsBusy: boolean
  diskIsStuck: boolean
  appliedAtStart: Zxid
  /** What a leader sends, by copyId. */
  readonly copies: Map<number, TestCopy>
  logHeldAfter: Zxid | null
  /** What a learner has received. */
  receipt: { readonly ticket: number; readonly chunks: Uint8Array[]; finishing: TestCopy | null } | null
  trustsEmptyLog: boolean // false once its disk was emptied
}

/** A copy of the state: chunks that name it, and no state. */
export interface TestCopy extends TestCheckpoint {
  readonly copyId: number
  readonly chunkCount: number
}

export type PlannedEvent =
  | LinkEvent
  | { readonly kind: 'tick'; readonly at: ServerId }
  | { readonly kind: 'turn-end'; readonly at: ServerId; readonly life: number }
  | { readonly kind: 'disk-done'; readonly at: ServerId; readonly life: number }
  | { readonly kind: 'disk-answered'; readonly at: ServerId; readonly life: number; readonly effect: StorageEffect }
  | {
      readonly kind: 'copy-done'
      readonly at: ServerId
      readonly life: number
      readonly answer: () => CopyAnswer | null
    }
  | { readonly kind: 'copy-answered'; readonly at: ServerId; readonly life: number; readonly answer: CopyAnswer }
  | { readonly kind: 'redial' }

export const timing = {
  tickMs: 20,
  redialMs: 30,
  linkTimeoutMs: 120,
  peerTimeoutMs: 120,
  initLimitMs: 600,
  heartbeatIntervalMs: 40,
  settleMs: 15,
} as const

export function newServer(id: ServerId, log: TestLog): ClusterServer {
  return {
    id,
    log,
    zab: null,
    serving: null,
    isHandingOver: false,
    life: 0,
    isPaused: false,
    inbox: [],
    turnIsPlanned: false,
    diskIsBusy: false,
    diskIsStuck: false,
    appliedAtStart: zeroZxid,
    copies: new Map(),
    logHeldAfter: null,
    receipt: null,
    trustsEmptyLog: true,
  }
}
