/**
 * What the operator decided about access, for all checks of one server: which schemes exist, and whether ACLs are checked
 * at all (ZK: ProviderRegistry, ZooKeeperServer.skipACL). A scheme that is off is refused in ACLs and matches no caller, so
 * an ACL that was written while it was on fails closed.
 */
import { type AuthScheme, authSchemesByDefault } from '../base/auth-schemes.ts'
import { type SchemeTraits, traitsOfScheme } from './schemes.ts'

export interface AccessRules {
  /** Every caller may do everything. An ACL that is to be stored is still checked for form. */
  readonly skipsAcl: boolean
  /** Those that are on, by name. */
  readonly schemes: ReadonlyMap<string, SchemeTraits>
}

export function accessRules(schemes: readonly AuthScheme[], skipsAcl: boolean): AccessRules {
  return { skipsAcl, schemes: new Map(schemes.map((scheme) => [scheme, traitsOfScheme[scheme]])) }
}

export const defaultAccess: AccessRules = accessRules(authSchemesByDefault, false)
