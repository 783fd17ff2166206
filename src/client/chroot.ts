/** Converts between the paths that a program uses and the paths on the servers, which begin with the chroot. */

/** `chroot` is '' or a path without a trailing slash. */
export function toServerPath(chroot: string, path: string): string {
  if (chroot === '') return path
  return path === '/' ? chroot : chroot + path
}

/** A path outside the chroot is not changed. Servers send none: they answer only what the client asked for. */
export function toClientPath(chroot: string, path: string): string {
  if (chroot === '' || !path.startsWith(chroot)) return path
  const rest = path.slice(chroot.length)
  return rest === '' ? '/' : rest
}
