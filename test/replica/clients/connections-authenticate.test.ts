import { describe, expect, it } from 'vitest'
import { authIdUnitsMax } from '../../../src/base/limits.ts'
import { encode } from '../../../src/jute/record.ts'
import { WhoAmIReply } from '../../../src/protocol/client/replies.ts'
import { AuthRequest, ReconfigRequest, SaslRequest } from '../../../src/protocol/client/requests.ts'
import { bodyOf } from '../reply-bodies.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const utf8 = new TextEncoder()
const enforced = ['enforce.auth.enabled=true', 'enforce.auth.schemes=digest']
const superLine = 'DigestAuthenticationProvider.superDigest=u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ='
const auth = (scheme: string | null, credentials: string): Uint8Array =>
  encode(AuthRequest, { type: 0, scheme, auth: utf8.encode(credentials) })

function clientOf(...configLines: readonly string[]): TestClient {
  return TestClient.attached(new TestEnsemble(1, configLines), 1)
}

function idsOf(client: TestClient): readonly string[] {
  client.send('whoAmI')
  const { clientInfo } = bodyOf(WhoAmIReply, client.replies().at(-1)!)
  return clientInfo!.map(({ authScheme, user }) => `${authScheme}:${user}`).sort()
}

describe('auth', () => {
  it('adds ids for the requests after it and is answered with zxid 0', () => {
    const client = clientOf()
    client.send('auth', auth('digest', 'u:p'))
    expect(client.replies().at(-1)).toMatchObject({ zxid: 0, error: null, body: null })
    expect(idsOf(client)).toEqual(['digest:u', 'ip:127.0.0.1'])
  })

  it('of the super user adds the super id to the digest id', () => {
    const client = clientOf(superLine)
    client.send('auth', auth('digest', 'u:p'))
    expect(idsOf(client)).toEqual(['digest:u', 'ip:127.0.0.1', 'super:'])
  })

  it.each([
    ['an unknown scheme', auth('nonsense', 'x'), '1 auth-failed'],
    ['no scheme', auth(null, 'x'), '1 auth-failed'],
  ])('refuses %s and ends the connection', (_name, body, reply) => {
    const client = clientOf()
    client.send('auth', body)
    expect(client.takeOutputs()).toEqual([reply, 'closed auth-failed'])
    expect(client.replies().at(-1)).toMatchObject({ zxid: 0 })
  })

  it('answers a body that cannot be decoded, and the connection stays open', () => {
    const client = clientOf()
    client.send('auth', new Uint8Array(2))
    client.send('sasl', new Uint8Array(2))
    client.send('ping')
    expect(client.takeOutputs()).toEqual(['1 marshalling-error', '2 marshalling-error', '-2 ok'])
  })

  it('closes a client of another ensemble without a reply', () => {
    const client = clientOf('ensembleAuthName=one,two')
    client.send('auth', auth('ensemble', 'two'))
    client.send('auth', auth('ensemble', 'three'))
    expect(client.takeOutputs()).toEqual(['1 ok', 'closed wrong-ensemble'])
  })

  it('reads the key that opens the key scheme from the tree', () => {
    const ensemble = new TestEnsemble(1, ['authProvider.1=org.apache.zookeeper.server.auth.KeyAuthenticationProvider'])
    const client = TestClient.attached(ensemble, 1)
    client.create('/key') // its data is not a number
    ensemble.run()
    client.takeOutputs()
    client.send('auth', auth('key', '5'))
    expect(client.takeOutputs()).toEqual(['2 auth-failed', 'closed auth-failed'])
  })

  it('refuses ids above the limit of a connection', () => {
    const client = clientOf()
    const name = 'n'.repeat(authIdUnitsMax / 2)
    for (const letter of ['a', 'b']) client.send('auth', auth('digest', `${letter}${name}:p`))
    expect(client.takeOutputs()).toEqual(['1 ok', '2 auth-failed', 'closed auth-failed'])
  })
})

describe('sasl', () => {
  it('is answered without a token, and the connection stays open', () => {
    const client = clientOf()
    client.send('sasl', encode(SaslRequest, { token: new Uint8Array(0) }))
    expect(client.replies().at(-1)).toMatchObject({
      zxid: 0,
      error: null,
      body: Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    })
    client.send('ping')
    expect(client.takeOutputs()).toEqual(['1 ok', '-2 ok'])
  })
})

describe('where authentication is enforced', () => {
  it.each(['ping', 'closeSession', 'getData', 'create', 'check'] as const)(
    'a %s of a connection without it is refused and ends the connection',
    (op) => {
      const client = clientOf(...enforced)
      client.send(op)
      const xid = op === 'ping' ? -2 : 1
      expect(client.takeOutputs()).toEqual([`${xid} session-closed-require-sasl-auth`, 'closed auth-required'])
      expect(client.replies().at(-1)).toMatchObject({ zxid: 0 })
    },
  )

  it('an unknown operation is refused in the same way', () => {
    const client = clientOf(...enforced)
    client.sendType(999)
    expect(client.takeOutputs()).toEqual(['1 session-closed-require-sasl-auth', 'closed auth-required'])
  })

  it('a connection may send every request once it has authenticated', () => {
    const client = clientOf(...enforced)
    client.send('sasl', encode(SaslRequest, { token: new Uint8Array(0) }))
    client.send('auth', auth('digest', 'u:p'))
    client.exists('/zookeeper')
    client.send('ping')
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '3 ok', '-2 ok'])
  })

  it('the address of the client is enough if the scheme ip is required', () => {
    const client = clientOf('enforce.auth.enabled=true', 'enforce.auth.schemes=ip')
    client.exists('/zookeeper')
    expect(client.takeOutputs()).toEqual(['1 ok'])
  })
})

describe('reconfig', () => {
  const body = encode(ReconfigRequest, {
    joiningServers: '9',
    leavingServers: null,
    newMembers: null,
    curConfigId: -1n,
  })

  it('is answered as disabled, after the earlier writes', () => {
    const ensemble = new TestEnsemble(2)
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    client.create('/a')
    client.send('reconfig', body)
    client.send('reconfig', new Uint8Array(3))
    client.send('ping')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 reconfig-disabled', '3 marshalling-error', '-2 ok'])
  })

  it('is answered as unimplemented where it is enabled, and the connection stays open', () => {
    const ensemble = new TestEnsemble(1, ['reconfigEnabled=true'])
    const client = TestClient.attached(ensemble, 1)
    client.send('reconfig', body)
    client.send('ping')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 unimplemented', '-2 ok'])
  })
})

it('the ACL of a write is skipped only if skipACL is set', () => {
  const closed = encode(AuthRequest, { type: 0, scheme: 'digest', auth: utf8.encode('v:p') })
  for (const [lines, outcome] of [
    [['skipACL=yes'], 'ok'],
    [[], 'no-auth'],
  ] as const) {
    const ensemble = new TestEnsemble(1, lines)
    const client = TestClient.attached(ensemble, 1)
    client.send('auth', closed)
    client.setData('/zookeeper/config')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', `2 ${outcome}`])
  }
})
