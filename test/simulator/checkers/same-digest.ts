/**
 * Same zxid, same tree digest, on every server and in every incarnation of it (invariant 4). Servers compare their trees,
 * too: while all digests are equal, one that reports a difference is wrong.
 */
import { hexOfZxid, type Zxid } from '../../../src/base/ids.ts'
import type { Checker, Report } from '../sim-trace.ts'

export function sameDigest(report: Report): Checker {
  const digestByZxid = new Map<Zxid, string>()
  return {
    name: 'same-digest',
    observe({ event }) {
      if (event.kind === 'server-log' && event.text.startsWith('error tree-digest-differs ')) {
        report(`server ${event.serverId} takes its tree for another than that of its leader: ${event.text}`)
      }
      if (event.kind !== 'server') return
      if (event.event.kind !== 'applied' && event.event.kind !== 'installed') return
      const { zxid, digest } = event.event
      const known = digestByZxid.get(zxid)
      if (known === undefined) digestByZxid.set(zxid, digest)
      else if (known !== digest) {
        report(`server ${event.serverId} has digest ${digest} at ${hexOfZxid(zxid)}, others ${known}`)
      }
    },
    finish() {},
  }
}
