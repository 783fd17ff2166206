/**
 * An ACL entry as clients send it: scheme and id may be null, which only the fix-up of ACL lists judges
 * (ZK: PrepRequestProcessor.fixupACL). What the tree stores is `AclEntry` of ../txn/txn.ts.
 */
import { int, ustring, vector } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'

export const AclWire = record('ACL', { perms: int, scheme: ustring, id: ustring })
export type AclWire = Infer<typeof AclWire>

/** Null and empty lists are different on the wire and equally refused. */
export const AclVector = vector(AclWire)
