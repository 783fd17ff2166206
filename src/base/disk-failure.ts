/** Of a checkpoint. */
export interface Damage extends Error {
  readonly store?: string // its name; left out: not known
}

/** Whether a file or an entry of a checkpoint is missing or was changed, in contrast to a disk that does not read. */
export function isDamage(cause: unknown): cause is Damage {
  return cause instanceof Error && 'code' in cause && cause.code === damageCode
}

/** Whether something that was durable in the log is missing or was changed. */
export function isLogDamage(cause: unknown): cause is Error {
  return cause instanceof Error && 'code' in cause && cause.code === logDamageCode
}

export const logDamageCode = 'ELOGDAMAGED'
export const damageCode = 'EDAMAGED'
/** A file or an entry of a store is damaged that is no longer the checkpoint. */
export const retiredDamageCode = 'ERETIRED'
/** Another process uses the folder. */
export const lockedCode = 'ELOCKED'
/** Data of another server, or of another version of this program. */
export const foreignCode = 'EFOREIGN'

/** The reason of a disk error in words, and what to do. `cause.message` names the system's code and the operation. */
export function explainDiskFailure(cause: Error): string {
  const code = 'code' in cause ? String(cause.code) : null
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `this user may not use it (${cause.message}). Grant the right to read and write, or write another folder.`
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk is full (${cause.message}). Make room, or write a folder on another disk.`
    case 'EROFS':
      return `the file system is read-only (${cause.message}). Mount it for writing, or write another folder.`
    case 'ENOTDIR':
    case 'EEXIST':
      return `a part of the path is a file and not a folder (${cause.message}). Write the path of a folder.`
    case 'ENOENT':
      return `a file or folder of this path does not exist (${cause.message}). Check the path; a folder has to be made before.`
    case 'EISDIR':
      return `a folder has the name of a file (${cause.message}). Bring the file back if it was moved; otherwise move the folder away.`
    case 'EFTYPE':
      return `${cause.message} (${code}). Bring the file back if it was moved; otherwise move what has its name away.`
    case 'EIO':
      return `the disk has failed (${cause.message}). Read the system log, and replace the disk if it is broken.`
    case 'EMFILE':
    case 'ENFILE':
      return `too many files are open (${cause.message}). Raise the limit (ulimit -n), and start again.`
    default:
      return cause.message.endsWith('.') ? cause.message : `${cause.message}.`
  }
}
