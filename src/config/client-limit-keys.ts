/**
 * The rows of the key table for the limits of clients; `readClientLimits` reads them.
 */
import { type KeyTraits, used } from './key-traits.ts'

export const clientLimitKeys: Readonly<Record<string, KeyTraits>> = {
  'jute.maxbuffer': used(
    'bytes',
    '1048575',
    'Longest request, header included; 0x… may be written. A longer one is refused, and its connection goes on.',
    'In ZooKeeper a system property, and a longer request closes the connection; so it does with compatibility=strict. Clients have a limit of the same name.',
  ),
  largeRequestThreshold: used('bytes', '-1', 'A request above this counts as large; -1 = none does.'),
  largeRequestMaxBytes: used(
    'bytes',
    '104857600',
    'Bytes of large requests in flight; one that goes above is refused with ThrottledOp.',
    'ZooKeeper closes its connection; so does compatibility=strict.',
  ),
  request_throttle_max_requests: used('count', '0', 'Requests in flight above which all others wait; 0 = no limit.'),
  request_throttle_drop_stale: used('boolean', 'true', 'Stale requests are not carried out.'),
  request_stale_connection_check: used('boolean', 'true', 'A waiting request is stale when its client has left.'),
  request_stale_latency_check: used(
    'boolean',
    'false',
    "A request is stale when it has waited for longer than its session's timeout; it is refused with ThrottledOp.",
    'ZooKeeper closes its connection; so does compatibility=strict.',
  ),
  throttled_op_wait_time: used(
    'ms',
    '0',
    'A request that has waited for longer is refused with ThrottledOp; pings, connecting, closing, credentials and restored watches never are. 0 = none is.',
  ),
  connection_throttle_tokens: used('count', '0', 'Connect requests that may come at once; 0 = no limit.'),
  connection_throttle_fill_time: used('ms', '1', 'How often tokens are added again.'),
  connection_throttle_fill_count: used('count', '1', 'Tokens added each time.'),
  connection_throttle_freeze_time: used(
    'ms',
    '-1',
    'How often the chance that a connection is dropped changes; -1 = no connection is dropped by chance.',
  ),
  connection_throttle_drop_increase: used('text', '0.02', 'Added to that chance while no token is left.'),
  connection_throttle_drop_decrease: used('text', '0.002', 'Taken from it while tokens are left.'),
  connection_throttle_decrease_ratio: used(
    'text',
    '0',
    'It is lowered while no more than this part of the tokens is spent.',
  ),
  connection_throttle_weight_enabled: used('boolean', 'false', 'Sessions take tokens by what they cost.'),
  connection_throttle_global_session_weight: used('count', '3', 'What a new session costs.'),
  connection_throttle_renew_session_weight: used('count', '2', 'What a session costs that comes back.'),
  connection_throttle_local_session_weight: used('count', '1', 'What a local session costs.'),
}
