/**
 * Whether a server lives and whether clients should come to it, with the reason, for Kubernetes and load balancers. The
 * state is what the server already knows, so asking costs nothing.
 * A server without a leader lives: restarting it would not help, and would cost the ensemble a member. It is not ready.
 */
import { assertNever } from '../base/assert.ts'

export type HealthState = 'reading-data' | 'no-leader' | 'read-only' | 'disk-full' | 'serving' | 'closing' | 'must-stop'

export interface HealthVerdict {
  readonly isLive: boolean
  readonly isReady: boolean
  readonly text: string
}

export function healthOf(state: HealthState): HealthVerdict {
  switch (state) {
    case 'reading-data':
      return { isLive: true, isReady: false, text: 'the server reads its data' }
    case 'no-leader':
      return {
        isLive: true,
        isReady: false,
        text: 'the server has no leader: too few members of the ensemble reach each other',
      }
    case 'read-only':
      return {
        isLive: true,
        isReady: false,
        text: 'the server has no leader and answers reads of clients that accept that',
      }
    case 'disk-full':
      return { isLive: true, isReady: false, text: 'writes wait for space on the disk; reads are answered' }
    case 'serving':
      return { isLive: true, isReady: true, text: 'the server serves' }
    case 'closing':
      return { isLive: true, isReady: false, text: 'the server closes' }
    case 'must-stop':
      return { isLive: false, isReady: false, text: 'the server must stop; its log says why' }
    default:
      return assertNever(state)
  }
}
