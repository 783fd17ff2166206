/** Paths as the user of a client sees them, and as the servers do: the same, below a fixed znode. */

/** `chroot` is '' or a path without a trailing slash. */
export function toServerPath(chroot: string, path: string): string {
  if (chroot === '') return path
  return path === '/' ? chroot : chroot + path
}

/** Servers name only what we asked for, so a path outside the chroot is left as it is. */
export function toClientPath(chroot: string, path: string): string {
  if (chroot === '' || !path.startsWith(chroot)) return path
  const rest = path.slice(chroot.length)
  return rest === '' ? '/' : rest
}
