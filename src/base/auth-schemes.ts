/**
 * The authentication schemes that give a connection ids or refuse it. `super` is not one of them, because no client
 * can ask for it by name (ZK: ProviderRegistry). Config decides which schemes are on; src/auth implements each.
 */
export const authSchemes = ['ip', 'digest', 'ensemble', 'key'] as const

export type AuthScheme = (typeof authSchemes)[number]

/** The schemes of ZooKeeper without an `authProvider`. */
export const authSchemesByDefault: readonly AuthScheme[] = ['ip', 'digest']
