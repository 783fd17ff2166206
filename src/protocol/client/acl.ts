/**
 * An ACL entry as clients send it: scheme and id may be null. The fix-up of ACL lists checks them
 * (ZK: PrepRequestProcessor.fixupACL). The tree stores `AclEntry` of ../txn/txn.ts.
 */
import { int, ustring, vector } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'

export const AclWire = record('ACL', { perms: int, scheme: ustring, id: ustring })
export type AclWire = Infer<typeof AclWire>

/** Null and empty lists differ on the wire; both are refused. */
export const AclVector = vector(AclWire)
