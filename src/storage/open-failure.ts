/** Why a log cannot be opened. `message` says what is wrong, where (file and offset), and what to do. */
export interface OpenFailure {
  readonly kind:
    | 'corrupt' // acknowledged records are missing or damaged
    | 'foreign' // written by another server, or by a version with another format
    | 'locked' // another live process uses the folder
    | 'io' // the disk refused to read or write
  readonly message: string
}
