/**
 * Watches (invariant 5): each registration gives one event, of the first change after it
 * and no other; the event comes before any reply that could show the change; the catch-up of set-watches is
 * what the state at that moment calls for, in the order of the lists.
 */
import { hexOfZxid, type ServerId, type Zxid } from '../../../src/base/ids.ts'
import type { WatchEventType } from '../../../src/protocol/client/watch-event.ts'
import { type ClientEvent, type ClientRequest, plainChangesOf, type SetWatches, type TraceEntry } from '../sim-event.ts'
import type { Checker, Report } from '../sim-trace.ts'
import type { CommittedHistory } from './committed-history.ts'
import { ModelTree, parentOf } from './model-tree.ts'

type Reply = Extract<ClientEvent, { readonly kind: 'reply' }>
type Event = Extract<ClientEvent, { readonly kind: 'watch-event' }>
type Table = 'data' | 'child'

interface Trigger {
  readonly zxid: Zxid
  readonly type: WatchEventType
}

interface Registered {
  readonly table: Table
  readonly path: string
  readonly since: Zxid
  readonly trigger: Trigger | null // null: nothing it waits for has happened
}

/** The connection's server has installed a copy of the state; what it jumped over is caught up as by set-watches. */
interface Jump {
  readonly kind: 'jump'
  readonly to: Zxid
}

interface ConnectionFacts {
  readonly serverId: ServerId
  readonly received: (Reply | Event | Jump)[]
  readonly requests: Map<number, ClientRequest>
}

export function watchOrder(history: CommittedHistory, report: Report): Checker {
  const connections = new Map<number, ConnectionFacts>()
  return {
    name: 'watch-order',
    observe({ event }: TraceEntry) {
      if (event.kind === 'attached') {
        const { serverId, connection } = event
        connections.set(connection, { serverId, received: [], requests: new Map() })
      }
      if (event.kind === 'server' && event.event.kind === 'installed') {
        for (const { serverId, received } of connections.values()) {
          if (serverId === event.serverId) received.push({ kind: 'jump', to: event.event.zxid })
        }
      }
      if (event.kind === 'request') connections.get(event.connection)?.requests.set(event.requestId, event.request)
      if (event.kind === 'reply' || event.kind === 'watch-event')
        connections.get(event.connection)?.received.push(event)
    },
    finish() {
      const triggers = triggersOf(history)
      const catchUps = catchUpsOf(history, connections)
      for (const [connection, facts] of connections) {
        judgeConnection(facts, triggers, catchUps, (text) => report(`connection ${connection}: ${text}`))
      }
    },
  }
}

function judgeConnection(
  facts: ConnectionFacts,
  triggers: ReadonlyMap<string, readonly Trigger[]>,
  catchUps: ReadonlyMap<number, CatchUp>,
  report: Report,
): void {
  const registered = new Map<string, Registered>()
  let caughtUp: string[] = []
  let jumpedTo = 0
  const register = (table: Table, path: string, since: Zxid): void => {
    const key = `${table} ${path}`
    if (registered.has(key)) return
    const trigger = triggers.get(key)?.find(({ zxid }) => zxid > since) ?? null
    registered.set(key, { table, path, since, trigger })
  }
  for (const item of facts.received) {
    if (item.kind === 'jump') {
      jumpedTo = item.to
      continue
    }
    if (jumpedTo > 0 && item.zxid >= jumpedTo) {
      // In a jump a znode may have been created and deleted again, which set-watches does not show either.
      for (const { table, path, trigger } of [...registered.values()]) {
        if (trigger === null || trigger.zxid > jumpedTo || trigger.type !== 'created') continue
        registered.delete(`${table} ${path}`)
        register(table, path, jumpedTo as Zxid)
      }
      jumpedTo = 0
    }
    if (item.kind === 'watch-event') {
      if (item.zxid < 0 && isMissedInJump(item, registered, jumpedTo)) continue
      if (item.zxid < 0) caughtUp.push(`${item.type} ${item.path}`)
      else judgeEvent(item, registered, report)
      continue
    }
    const request = facts.requests.get(item.requestId)
    if (request === undefined) continue
    if (request.kind === 'set-watches' && item.error === null) {
      const catchUp = catchUps.get(item.requestId)!
      const expected = catchUp.events.join(', ')
      if (caughtUp.join(', ') !== expected) {
        report(
          `set-watches (request ${item.requestId}) at ${hexOfZxid(item.zxid)} should bring [${expected}] and brought [${caughtUp.join(', ')}]`,
        )
      }
      caughtUp = []
      for (const { table, path } of catchUp.registers) register(table, path, item.zxid)
    }
    // The events of the session's own ephemerals that end with it may come before or after the last reply.
    if (request.kind !== 'close-session') judgeReply(item, registered, report)
    const watch = watchOf(request, item.error === null)
    if (watch !== null) register(watch.table, watch.path, item.zxid)
  }
  if (caughtUp.length > 0) report(`catch-up events [${caughtUp.join(', ')}] without a set-watches that explains them`)
}

function judgeEvent(event: Event, registered: Map<string, Registered>, report: Report): void {
  let isExplained = false
  for (const table of ['data', 'child'] as const) {
    const found = registered.get(`${table} ${event.path}`)
    if (found?.trigger?.zxid !== event.zxid || found.trigger.type !== event.type) continue
    // One deletion gives one event, even if both tables hold a watch on the path.
    registered.delete(`${table} ${event.path}`)
    isExplained = true
    if (event.type !== 'deleted') break
  }
  if (!isExplained) {
    const had = [...registered.values()].filter(({ path }) => path === event.path)
    const text = had.map(
      ({ table, since, trigger }) =>
        `${table} watch since ${hexOfZxid(since)} that waits for ${trigger === null ? 'nothing' : `${trigger.type} ${hexOfZxid(trigger.zxid)}`}`,
    )
    report(
      `event ${event.type} ${event.path} ${hexOfZxid(event.zxid as Zxid)} fits no watch (watches on the path: ${text.join('; ') || 'none'})`,
    )
  }
}

/** Takes the watches that a jump over their triggers fires. Several changes look like one. */
function isMissedInJump({ path, type }: Event, registered: Map<string, Registered>, jumpedTo: number): boolean {
  let isExplained = false
  for (const table of ['data', 'child'] as const) {
    if (type !== 'deleted' && (type === 'children-changed') !== (table === 'child')) continue
    const trigger = registered.get(`${table} ${path}`)?.trigger
    if (!trigger || trigger.zxid > jumpedTo) continue
    registered.delete(`${table} ${path}`)
    isExplained = true
  }
  return isExplained
}

function judgeReply(reply: Reply, registered: Map<string, Registered>, report: Report): void {
  for (const [key, { table, path, trigger }] of registered) {
    if (trigger === null || trigger.zxid > reply.zxid) continue
    report(
      `reply to request ${reply.requestId} shows ${hexOfZxid(reply.zxid)}, but the ${table} watch on ${path} got no event for ${trigger.type} at ${hexOfZxid(trigger.zxid)}`,
    )
    registered.delete(key)
  }
}

function watchOf(request: ClientRequest, isOk: boolean): { table: Table; path: string } | null {
  if (!('watch' in request) || !request.watch) return null
  // exists leaves its watch on a missing znode too: that is how creation is watched.
  if (request.kind === 'exists') return { table: 'data', path: request.path }
  if (!isOk) return null
  return { table: request.kind === 'get-data' ? 'data' : 'child', path: request.path }
}

/** For each table and path the changes that fire a watch, in order. */
function triggersOf(history: CommittedHistory): ReadonlyMap<string, readonly Trigger[]> {
  const triggers = new Map<string, Trigger[]>()
  const add = (table: Table, path: string, zxid: Zxid, type: WatchEventType): void => {
    const key = `${table} ${path}`
    const list = triggers.get(key)
    if (list === undefined) triggers.set(key, [{ zxid, type }])
    else list.push({ zxid, type })
  }
  const addDeletion = (path: string, zxid: Zxid): void => {
    add('data', path, zxid, 'deleted')
    add('child', path, zxid, 'deleted')
    add('child', parentOf(path), zxid, 'children-changed')
  }
  for (const { zxid, txn } of history.txns) {
    for (const change of plainChangesOf(txn)) {
      if (change.kind === 'create') {
        add('data', change.path, zxid, 'created')
        add('child', parentOf(change.path), zxid, 'children-changed')
      } else if (change.kind === 'delete') addDeletion(change.path, zxid)
      else if (change.kind === 'set-data') add('data', change.path, zxid, 'data-changed')
      else if (change.kind === 'close-session') for (const path of change.deletedPaths) addDeletion(path, zxid)
    }
  }
  return triggers
}

interface CatchUp {
  readonly events: readonly string[]
  readonly registers: readonly { readonly table: Table; readonly path: string }[]
}

/** What each answered set-watches should have brought, judged on the state of its reply's zxid. */
function catchUpsOf(
  history: CommittedHistory,
  connections: ReadonlyMap<number, ConnectionFacts>,
): ReadonlyMap<number, CatchUp> {
  const questions: { readonly requestId: number; readonly zxid: Zxid; readonly request: SetWatches }[] = []
  for (const { received, requests } of connections.values()) {
    for (const item of received) {
      const request = item.kind === 'reply' ? requests.get(item.requestId) : undefined
      if (item.kind === 'reply' && request?.kind === 'set-watches') questions.push({ ...item, request })
    }
  }
  questions.sort((a, b) => a.zxid - b.zxid)
  const result = new Map<number, CatchUp>()
  const model = new ModelTree({ refusesEphemerals: false })
  let next = 0
  const answerUntil = (zxid: number): void => {
    for (let question = questions[next]; question !== undefined && question.zxid < zxid; question = questions[++next]) {
      result.set(question.requestId, catchUpAt(model, question.request))
    }
  }
  for (const { zxid, txn } of history.txns) {
    answerUntil(zxid)
    for (const change of plainChangesOf(txn)) {
      model.applyChange(change, { zxid, timeMs: txn.timeMs, sessionId: txn.sessionId })
    }
  }
  answerUntil(Number.POSITIVE_INFINITY)
  return result
}

function catchUpAt(model: ModelTree, request: SetWatches): CatchUp {
  const events: string[] = []
  const registers: { table: Table; path: string }[] = []
  for (const path of request.data) {
    if (!model.has(path)) events.push(`deleted ${path}`)
    else if (model.mzxidOf(path) > request.relativeZxid) events.push(`data-changed ${path}`)
    else registers.push({ table: 'data', path })
  }
  for (const path of request.exist) {
    if (model.has(path)) events.push(`created ${path}`)
    else registers.push({ table: 'data', path })
  }
  for (const path of request.child) {
    if (!model.has(path)) events.push(`deleted ${path}`)
    else if (model.pzxidOf(path) > request.relativeZxid) events.push(`children-changed ${path}`)
    else registers.push({ table: 'child', path })
  }
  return { events, registers }
}
