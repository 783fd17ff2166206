/**
 * The authentication schemes that a connection can be given ids of, or be refused by, besides `super`, which no client
 * can ask for by name (ZK: ProviderRegistry). Config says which are on, src/auth what each does.
 */
export const authSchemes = ['ip', 'digest', 'ensemble', 'key'] as const

export type AuthScheme = (typeof authSchemes)[number]

/** What ZooKeeper has without an `authProvider`. */
export const authSchemesByDefault: readonly AuthScheme[] = ['ip', 'digest']
