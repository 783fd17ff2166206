/**
 * The settings of authentication and access. A setting that would admit clients that ZooKeeper refuses is a problem and
 * never a remark: a server must not start with a setting of this kind that it only half understands.
 */
import { type AuthScheme, authSchemes } from '../base/auth-schemes.ts'
import { type DigestAlgorithm, digestAlgorithmOf, digestAlgorithms } from '../base/digest-algorithms.ts'
import type { AuthConfig } from './config.ts'
import type { ConfigRemark } from './config-problem.ts'
import type { Settings, SourcedEntry } from './settings.ts'
import { nearestWord } from './suggest-key.ts'

const superDigestKey = 'DigestAuthenticationProvider.superDigest'
const ensembleKey = 'ensembleAuthName'
const skipAclKey = 'skipACL'
const algorithmKey = 'DigestAuthenticationProvider.digestAlg'
const digestEnabledKey = 'DigestAuthenticationProvider.enabled'
const schemesKey = 'enforce.auth.schemes'

export function readAuth(settings: Settings, remarks: ConfigRemark[]): AuthConfig {
  const schemes = readSchemes(settings, remarks)
  return {
    schemes,
    superDigest: readSuperDigest(settings, remarks),
    digestAlgorithm: readAlgorithm(settings),
    ensembleNames: listed(settings.text(ensembleKey)),
    requiredSchemes: readRequiredSchemes(settings, schemes),
    skipsAcl: readSkipAcl(settings, remarks),
  }
}

// --- schemes ---

const providerPackage = 'org.apache.zookeeper.server.auth.'
const notYet = ['SASLAuthenticationProvider', 'X509AuthenticationProvider']
const schemeOfProvider: Readonly<Record<string, AuthScheme>> = {
  IPAuthenticationProvider: 'ip',
  DigestAuthenticationProvider: 'digest',
  EnsembleAuthenticationProvider: 'ensemble',
  KeyAuthenticationProvider: 'key',
}

function readSchemes(settings: Settings, remarks: ConfigRemark[]): readonly AuthScheme[] {
  const isDigestOn = settings.flag(digestEnabledKey, true)
  const on = new Set<AuthScheme>(isDigestOn ? ['ip', 'digest'] : ['ip'])
  // In ZooKeeper the name alone has no effect. An operator who sets it wants it checked.
  if (settings.text(ensembleKey) !== null) on.add('ensemble')
  for (const entry of settings.entriesBelow('authProvider.')) {
    const scheme = schemeOf(entry, settings, remarks)
    if (scheme === 'digest' && !isDigestOn) {
      settings.refuse(entry.key, `${digestEnabledKey} is false`, 'remove one of the two lines')
    } else if (scheme !== null) {
      on.add(scheme)
    }
  }
  return authSchemes.filter((scheme) => on.has(scheme))
}

function schemeOf(entry: SourcedEntry, settings: Settings, remarks: ConfigRemark[]): AuthScheme | null {
  const { key, value } = entry
  const name = value.startsWith(providerPackage) ? value.slice(providerPackage.length) : ''
  if (notYet.includes(name)) {
    const wrong = 'it is not supported yet; ACLs of its scheme are refused, and no client can authenticate with it'
    remarks.push({ ...entry, severity: 'warning', wrong, write: null })
    return null
  }
  const scheme = schemeOfProvider[name]
  if (scheme !== undefined) return scheme
  // A class may also replace a built-in scheme by a stricter one of the same name.
  settings.refuse(
    key,
    'Java classes cannot be loaded, and a server without this one could admit clients that it would refuse',
    value === '' ? 'remove the line' : 'remove the line, if clients may do without its scheme',
  )
  return null
}

// --- access ---

/** The shortest hash, MD5, has 22 digits. A digest of another form never matches, so no client could be the super user. */
function readSuperDigest(settings: Settings, remarks: ConfigRemark[]): string | null {
  const value = settings.text(superDigestKey)
  const entry = settings.entry(superDigestKey)
  if (value !== null && entry !== null && !/^[^:]+:[A-Za-z0-9+/]{22,}={0,2}$/.test(value)) {
    const wrong = 'it is not user:base64(hash(user:password)), so no client can be the super user'
    remarks.push({ ...entry, severity: 'warning', wrong, write: 'write the hash of user:password, not the password' })
  }
  return value
}

function readAlgorithm(settings: Settings): DigestAlgorithm {
  const name = settings.text(algorithmKey)
  const algorithm = name === null ? 'SHA-1' : digestAlgorithmOf(name)
  if (algorithm !== null) return algorithm
  const nearest = nearestWord(name ?? '', digestAlgorithms)
  settings.refuse(
    algorithmKey,
    'there is no such hash',
    nearest === null ? `write one of ${digestAlgorithms.join(', ')}` : `did you mean ${nearest}?`,
  )
  return 'SHA-1'
}

function readRequiredSchemes(settings: Settings, schemes: readonly AuthScheme[]): readonly AuthScheme[] {
  if (!settings.flag('enforce.auth.enabled', false)) return []
  const asked = listed(settings.text(schemesKey)) ?? []
  if (asked.length === 0) settings.refuse(schemesKey, 'enforce.auth.enabled needs it', `write ${schemesKey}=digest`)
  const required: AuthScheme[] = []
  for (const name of asked) {
    const scheme = schemes.find((each) => each === name)
    if (scheme === undefined) {
      settings.refuse(schemesKey, `there is no scheme "${name}" on this server`, `write some of ${schemes.join(', ')}`)
    } else if (scheme === 'ensemble') {
      settings.refuse(
        schemesKey,
        'the scheme ensemble gives no client an id, so no client could send a request',
        'remove it',
      )
    } else {
      required.push(scheme)
    }
  }
  return required
}

/** Any word but `yes` means no (ZK: ZooKeeperServer.skipACL). That is the safe side, so the server starts with a warning. */
function readSkipAcl(settings: Settings, remarks: ConfigRemark[]): boolean {
  const value = settings.text(skipAclKey)
  const entry = settings.entry(skipAclKey)
  if (value === null || entry === null || value === 'no') return false
  const isOn = value === 'yes'
  const wrong = isOn
    ? 'ACLs are not checked: every client may do everything'
    : 'ACLs are checked: only the word yes switches that off'
  remarks.push({ ...entry, severity: 'warning', wrong, write: isOn ? null : 'write yes or no' })
  return isOn
}

/** Null: the key is not set. */
function listed(text: string | null): readonly string[] | null {
  return text === null ? null : text.split(',').map((name) => name.trim())
}
