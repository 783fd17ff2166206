/** ACLs as users write them, `scheme:id:perms` separated by commas (ZK: AclParser), and as zkCli shows them. */
import type { AclEntry } from '../client/types.ts'
import { CliFailure } from './exit-codes.ts'

/** In the order in which they are shown. */
const permissionLetters = [
  ['c', 4],
  ['d', 8],
  ['r', 1],
  ['w', 2],
  ['a', 16],
] as const

/**
 * zkCli drops an entry that it cannot parse, with a warning, which may lock users out. Here one such entry fails the
 * command.
 */
export function parseAcl(text: string): readonly AclEntry[] {
  return text.split(',').map((entry) => {
    const [first, last] = [entry.indexOf(':'), entry.lastIndexOf(':')]
    if (first === last) throw new CliFailure('usage', `"${entry}" is not an ACL entry; write scheme:id:perms`)
    const letters = entry.slice(last + 1)
    let permissions = 0
    for (const letter of letters) {
      const known = permissionLetters.find(([each]) => each === letter)
      if (known === undefined) {
        throw new CliFailure(
          'usage',
          `"${letter}" in "${entry}" is not a permission; the permissions are c, d, r, w and a`,
        )
      }
      permissions |= known[1]
    }
    return { permissions, scheme: entry.slice(0, first), id: entry.slice(first + 1, last) }
  })
}

function permissionText(permissions: number): string {
  return permissionLetters.map(([letter, bit]) => ((permissions & bit) === 0 ? '' : letter)).join('')
}

/** Two lines for each entry, since Java prints the id as a record that ends with a newline. */
export function aclLines(acl: readonly AclEntry[]): readonly string[] {
  return acl.flatMap(({ scheme, id, permissions }) => [
    `'${escaped(scheme)},'${escaped(id)}`,
    `: ${permissionText(permissions)}`,
  ])
}

export function aclJson(acl: readonly AclEntry[]): readonly object[] {
  return acl.map(({ scheme, id, permissions }) => ({ scheme, id, permissions: permissionText(permissions) }))
}

/** ZK: ToStringOutputArchive. */
function escaped(text: string): string {
  return text.replace(/[\0\n\r,}%]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
