/**
 * A leader that a quorum follows, over links that work, stays the leader, unless it hands over; and none of these followers
 * leaves it. So no server outside of that quorum can disturb it, however it fails. A link works if both ends hold it for up, no fault holds back
 * what they send, and what the other side answered is recent.
 */
import type { ServerId } from '../../../src/base/ids.ts'
import type { EnsembleView, ServerView } from '../ensemble-view.ts'
import type { Checker, Report } from '../sim-trace.ts'

export function workingLeadersStay(view: EnsembleView, freshMs: number, report: Report): Checker {
  const handingOver = new Set<ServerId>()
  return {
    name: 'working-leaders-stay',
    /** The view does not have the event yet. */
    observe({ atUs, event }) {
      if (event.kind === 'server-crashed') handingOver.delete(event.serverId)
      if (event.kind === 'server-log' && event.text.includes('leadership-handed-over')) handingOver.add(event.serverId)
      if (event.kind !== 'server' || event.event.kind !== 'role-changed' || event.event.role !== 'looking') return
      if (handingOver.delete(event.serverId)) return
      const server = view.server(event.serverId)
      if (server.role === 'leading') judgeLeader(server, atUs)
      if (server.role === 'following') judgeFollower(server, atUs)
    },
    finish() {},
  }

  function judgeLeader(leader: ServerView, atUs: number): void {
    const loyal = view
      .followersOf(leader)
      .filter((each) => isInTouch(each, leader) && isFresh(view.probe.answeredUs(leader.id, each.id), atUs))
    if (loyal.length + 1 < view.quorumSize) return
    const ids = loyal.map(({ id }) => id).join(', ')
    report(
      `server ${leader.id} gives up leading epoch ${leader.epoch}, and servers ${ids} followed it over links that work`,
    )
  }

  function judgeFollower(follower: ServerView, atUs: number): void {
    const leader = view.servers.find(({ role, epoch }) => role === 'leading' && epoch === follower.epoch)
    if (leader === undefined || !isInTouch(follower, leader)) return
    if (!isFresh(view.probe.heardUs(follower.id, leader.id), atUs)) return
    report(
      `server ${follower.id} leaves server ${leader.id}, which leads epoch ${leader.epoch}, over a link that works`,
    )
  }

  function isInTouch(a: ServerView, b: ServerView): boolean {
    return a.isRunning && b.isRunning && !a.isPaused && !b.isPaused && view.works(a, b)
  }

  function isFresh(heardUs: number, atUs: number): boolean {
    return atUs - heardUs <= freshMs * 1000
  }
}
