import { describe, expect, it } from 'vitest'
import type { AuthConfig } from '../../src/config/config.ts'
import { describeProblem } from '../../src/config/config-problem.ts'
import { loadConfig } from '../../src/config/load-config.ts'

const providers = 'org.apache.zookeeper.server.auth'

interface Loaded {
  readonly auth: AuthConfig | null
  readonly problems: readonly string[]
  readonly remarks: readonly string[]
}

function load(...lines: readonly string[]): Loaded {
  const text = ['dataDir=/d', 'clientPort=2181', ...lines].join('\n')
  const loaded = loadConfig({ text, dynamicText: null, myidText: null })
  if (!loaded.ok) return { auth: null, problems: loaded.error.map((each) => describeProblem(each)), remarks: [] }
  const { config, remarks } = loaded.value
  return {
    auth: config.auth,
    problems: [],
    remarks: remarks.map((each) => `${each.severity} ${describeProblem(each)}`),
  }
}

describe('the settings of authentication', () => {
  it('have the defaults of ZooKeeper', () => {
    expect(load().auth).toEqual({
      schemes: ['ip', 'digest'],
      superDigest: null,
      digestAlgorithm: 'SHA-1',
      ensembleNames: null,
      requiredSchemes: [],
      skipsAcl: false,
    })
  })

  it.each([
    ['SHA1', 'SHA-1'],
    ['sha', 'SHA-1'],
    ['sha-256', 'SHA-256'],
    ['SHA-512/256', 'SHA-512/256'],
    ['SHA3-256', 'SHA3-256'],
    ['md5', 'MD5'],
  ])('take the hash %s by its name in Java', (name, algorithm) => {
    expect(load(`DigestAuthenticationProvider.digestAlg=${name}`).auth?.digestAlgorithm).toBe(algorithm)
  })

  it('refuse a hash that Java does not know, and name the nearest', () => {
    expect(load('DigestAuthenticationProvider.digestAlg=SHA256').problems).toEqual([
      'zoo.cfg:3: DigestAuthenticationProvider.digestAlg=SHA256: there is no such hash; did you mean SHA-256?',
    ])
    expect(load('DigestAuthenticationProvider.digestAlg=MD2').problems).toHaveLength(1)
  })

  it('warn of a digest of the super user that no password gives, and do not show it', () => {
    const digest = 'DigestAuthenticationProvider.superDigest'
    const [remark] = load(`${digest}=super:secret`).remarks
    expect(remark).toContain(`warning zoo.cfg:3: ${digest}=…: it is not user:base64(hash(user:password))`)
    expect(load(`${digest}=super:D/InIHSb7yEEbrWz8b9l71RjZJU=`).remarks).toEqual([])
  })

  it('leave only the address when digest is switched off', () => {
    expect(load('DigestAuthenticationProvider.enabled=false').auth?.schemes).toEqual(['ip'])
  })

  it('refuse to switch digest off and on again', () => {
    const { problems } = load(
      'DigestAuthenticationProvider.enabled=false',
      `authProvider.1=${providers}.DigestAuthenticationProvider`,
    )
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('DigestAuthenticationProvider.enabled is false')
  })

  it('switch schemes on by the classes of ZooKeeper', () => {
    const lines = ['Key', 'Ensemble', 'IP', 'Digest'].map(
      (name, i) => `authProvider.${i}=${providers}.${name}AuthenticationProvider`,
    )
    expect(load(...lines)).toMatchObject({ auth: { schemes: ['ip', 'digest', 'ensemble', 'key'] }, remarks: [] })
  })

  it('switch the ensemble scheme on by its names, which are trimmed', () => {
    expect(load('ensembleAuthName= one, two ').auth).toMatchObject({
      schemes: ['ip', 'digest', 'ensemble'],
      ensembleNames: ['one', 'two'],
    })
  })

  it.each(['SASL', 'X509'])('warn that the scheme of %s has to wait', (name) => {
    const { auth, remarks } = load(`authProvider.1=${providers}.${name}AuthenticationProvider`)
    expect(auth?.schemes).toEqual(['ip', 'digest'])
    expect(remarks).toHaveLength(1)
    expect(remarks[0]).toMatch(/^warning .*not supported yet/)
  })

  it.each(['com.example.StrictDigest', 'DigestAuthenticationProvider', ''])(
    'refuse to start without the class "%s"',
    (name) => {
      const { problems } = load(`authProvider.1=${name}`)
      expect(problems).toHaveLength(1)
      expect(problems[0]).toContain('Java classes cannot be loaded')
    },
  )
})

describe('the schemes that a client must present', () => {
  it('are those listed, if it is enforced', () => {
    const schemes = 'enforce.auth.schemes= digest , ip'
    expect(load(schemes, 'enforce.auth.enabled=true').auth?.requiredSchemes).toEqual(['digest', 'ip'])
    expect(load(schemes).auth?.requiredSchemes).toEqual([])
  })

  it.each([
    ['sasl', 'there is no scheme "sasl" on this server'],
    ['digest,', 'there is no scheme "" on this server'],
    ['world', 'there is no scheme "world" on this server'],
    ['ensemble', 'so no client could send a request'],
  ])('stop the start when one of "%s" cannot be presented', (names, wrong) => {
    const { problems } = load('enforce.auth.enabled=true', 'ensembleAuthName=one', `enforce.auth.schemes=${names}`)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(wrong)
  })

  it('stop the start when there are none', () => {
    expect(load('enforce.auth.enabled=true').problems).toHaveLength(1)
  })

  it('cannot be those of SASL yet', () => {
    const { problems } = load('sessionRequireClientSASLAuth=true')
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('SASL is not supported yet')
  })
})

describe('skipACL', () => {
  it('switches ACLs off by the word yes, with a warning', () => {
    const { auth, remarks } = load('skipACL=yes')
    expect(auth?.skipsAcl).toBe(true)
    expect(remarks[0]).toMatch(/^warning .*every client may do everything/)
  })

  it('changes nothing by another word, which is said', () => {
    expect(load('skipACL=no')).toMatchObject({ auth: { skipsAcl: false }, remarks: [] })
    const { auth, remarks } = load('skipACL=true')
    expect(auth?.skipsAcl).toBe(false)
    expect(remarks[0]).toMatch(/^warning .*ACLs are checked.*; write yes or no$/)
  })
})

it('an ensemble is warned that it cannot be reconfigured, a standalone server is not', () => {
  expect(load('reconfigEnabled=true').remarks).toEqual([])
  const lines = ['initLimit=10', 'syncLimit=5', 'server.1=a:1:2', 'server.2=b:1:2', 'reconfigEnabled=true']
  const text = ['dataDir=/d', 'clientPort=2181', ...lines].join('\n')
  const loaded = loadConfig({ text, dynamicText: null, myidText: '1' })
  expect(loaded.ok && loaded.value.remarks.map(({ key, severity }) => [key, severity])).toEqual([
    ['reconfigEnabled', 'warning'],
  ])
})
