import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Codec, decode, encode } from '../../../src/jute/record.ts'
import {
  CloseBackupRequest,
  OpenBackupReply,
  OpenBackupRequest,
  ReadBackupReply,
  ReadBackupRequest,
} from '../../../src/protocol/client/backup-records.ts'
import { AuthRequest, CreateRequest, WatchableRequest } from '../../../src/protocol/client/requests.ts'
import { localKey, StandaloneReplica } from '../standalone-replica.ts'

const superDigest = `super:${createHash('sha1').update('super:secret').digest('base64')}`
const fromCheckpoint = encode(OpenBackupRequest, { afterZxid: -1 as never, afterHash: 0 })
const firstPart = encode(ReadBackupRequest, { backupId: 9, number: 0 })
const part = { status: 0, kindNumber: 1, bytes: Uint8Array.of(7), oldest: 0 as never, reason: '' }
const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]

function connected(lines: readonly string[] = []): StandaloneReplica {
  const replica = new StandaloneReplica([`DigestAuthenticationProvider.superDigest=${superDigest}`, ...lines])
  replica.connect(1)
  return replica
}

function authenticate(replica: StandaloneReplica, scheme: string, text: string): string | null {
  const auth = new TextEncoder().encode(text)
  return replica.ask(1, 'auth', encode(AuthRequest, { type: 0, scheme, auth })).error
}

function bodyOf<T>(codec: Codec<T>, bytes: Uint8Array | null): T {
  const decoded = decode(codec, bytes ?? new Uint8Array(0))
  if (!decoded.ok) throw new Error('the body does not decode')
  return decoded.value
}

function lastReply(replica: StandaloneReplica): { error: string | null; body: Uint8Array | null } {
  const reply = replica.replies.at(-1)
  if (reply?.kind !== 'reply') throw new Error('no reply')
  return reply
}

describe('a client without rights to the server', () => {
  test('gets NoAuth for each operation of backups, and no step is made', () => {
    const replica = connected()
    expect(authenticate(replica, 'digest', 'user:pass')).toBeNull()
    expect(replica.ask(1, 'openBackup', fromCheckpoint).error).toBe('no-auth')
    expect(replica.ask(1, 'readBackup', firstPart).error).toBe('no-auth')
    expect(replica.ask(1, 'closeBackup', encode(CloseBackupRequest, { backupId: 9 })).error).toBe('no-auth')
    expect(replica.backupSteps).toEqual([])
  })

  test('is refused as with any wrong credentials if it shows a wrong key', () => {
    expect(authenticate(connected(), 'local', 'ab12')).toBe('auth-failed')
  })
})

describe.each([
  ['the local key', 'local', localKey],
  ['super rights', 'digest', 'super:secret'],
])('a client with %s', (_, scheme, text) => {
  test('takes a backup: each request is a step, and its answer is the reply', () => {
    const replica = connected()
    expect(authenticate(replica, scheme, text)).toBeNull()
    replica.send(1, 'openBackup', fromCheckpoint)
    const [step] = replica.backupSteps
    expect(step).toMatchObject({ kind: 'open', after: null })
    replica.answerBackup(step!.sequence, { backupId: 9 })
    expect(bodyOf(OpenBackupReply, lastReply(replica).body)).toEqual({ backupId: 9 })
    replica.send(1, 'readBackup', firstPart)
    expect(replica.backupSteps[1]).toMatchObject({ kind: 'read', backupId: 9, number: 0, sessionId: step!.sessionId })
    replica.answerBackup(replica.backupSteps[1]!.sequence, part)
    expect(bodyOf(ReadBackupReply, lastReply(replica).body)).toEqual(part)
    replica.send(1, 'closeBackup', encode(CloseBackupRequest, { backupId: 9 }))
    replica.answerBackup(replica.backupSteps[2]!.sequence, null)
    expect(lastReply(replica)).toMatchObject({ error: null, body: null })
  })
})

describe('steps of backups', () => {
  function operator(lines: readonly string[] = []): StandaloneReplica {
    const replica = connected(lines)
    authenticate(replica, 'local', localKey)
    return replica
  }

  test('begin when earlier requests of the session are answered, and later ones are answered after them', () => {
    const replica = operator()
    const create = { path: '/a', data: null, acl: openAcl, flags: 0 }
    replica.send(1, 'create', encode(CreateRequest, create))
    replica.send(1, 'openBackup', fromCheckpoint)
    expect(replica.backupSteps).toEqual([])
    replica.flush()
    expect(replica.backupSteps).toHaveLength(1)
    const count = replica.replies.length
    replica.send(1, 'exists', encode(WatchableRequest, { path: '/a', watch: false }))
    expect(replica.replies).toHaveLength(count)
    replica.answerBackup(replica.backupSteps[0]!.sequence, { backupId: 9 })
    expect(replica.replies.slice(count)).toMatchObject([
      { body: encode(OpenBackupReply, { backupId: 9 }) },
      { error: null },
    ])
  })

  test('carry the point from which a backup continues', () => {
    const replica = operator()
    replica.send(1, 'openBackup', encode(OpenBackupRequest, { afterZxid: (2 ** 32 + 3) as never, afterHash: 77 }))
    expect(replica.backupSteps).toMatchObject([{ kind: 'open', after: { zxid: 2 ** 32 + 3, hash: 77 } }])
  })

  test('are not made of bodies that cannot be decoded or have numbers that no server gives', () => {
    const replica = operator()
    expect(replica.ask(1, 'openBackup', fromCheckpoint.subarray(1)).error).toBe('marshalling-error')
    expect(replica.ask(1, 'openBackup', new Uint8Array(16).fill(0x7f)).error).toBe('bad-arguments')
    const negative = encode(ReadBackupRequest, { backupId: 9, number: -1 })
    expect(replica.ask(1, 'readBackup', negative).error).toBe('bad-arguments')
    expect(replica.backupSteps).toEqual([])
  })

  test('whose client has gone are answered to no client', () => {
    const replica = operator()
    replica.send(1, 'openBackup', fromCheckpoint)
    const count = replica.replies.length
    replica.disconnect(1)
    replica.answerBackup(replica.backupSteps[0]!.sequence, { backupId: 9 })
    expect(replica.replies).toHaveLength(count)
  })

  test('need no other credentials where clients have to authenticate', () => {
    const replica = operator(['enforce.auth.enabled=true', 'enforce.auth.schemes=digest'])
    replica.send(1, 'openBackup', fromCheckpoint)
    expect(replica.backupSteps).toHaveLength(1)
    replica.answerBackup(replica.backupSteps[0]!.sequence, { backupId: 9 })
    expect(replica.ask(1, 'ping', new Uint8Array(0), -2).error).toBeNull()
    const read = encode(WatchableRequest, { path: '/', watch: false })
    expect(replica.ask(1, 'exists', read).error).toBe('session-closed-require-sasl-auth')
  })
})
