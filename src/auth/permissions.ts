/**
 * The permission bits of an ACL entry (ZK: ZooDefs.Perms). Entries may carry other bits too: they are stored
 * and returned as given, and have no effect.
 */
export const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** One bit of `permissions`, or several, of which one suffices. */
export type PermissionBits = number
