/**
 * The rows of the key table for the log and the checkpoints; `readStorageSettings` reads them.
 */
import { type KeyTraits, used } from './key-traits.ts'

export const storageKeys: Readonly<Record<string, KeyTraits>> = {
  txnLogSizeLimitInKb: used(
    'KiB',
    '-1',
    'Size of a file of the log, at which the next one starts, at most 1 GiB; -1 = 64 MiB.',
    'In ZooKeeper -1 = a new file with each snapshot.',
  ),
  'fsync.warningthresholdms': used(
    'ms',
    '1000',
    'A flush of the log that takes longer gets a line at warn, one each 10 s at most.',
  ),
  snapCount: used(
    'count',
    '100000',
    'A checkpoint is made after this number of txns.',
    'ZooKeeper makes a snapshot after a random number between half of it and all of it.',
  ),
  snapSizeLimitInKb: used(
    'KiB',
    '4194304',
    'A checkpoint is made when the log has grown by this since the last one; 0 or less = never for this reason.',
    'In ZooKeeper after a random part between half of it and all of it.',
  ),
  checkpointIntervalMs: used(
    'ms',
    '600000',
    'A checkpoint is made after this time if anything has changed; 0 = never for this reason.',
    'Not in ZooKeeper.',
  ),
  'autopurge.snapRetainCount': used(
    'count',
    '3',
    'The log after the oldest of this number of checkpoints is kept, counted since the start of the server; at least 3.',
    'A server has one checkpoint: the older ones can be made again from a backup and the log. While the disk of the log is full, only the newest counts.',
  ),
  'autopurge.purgeInterval': used(
    'hours',
    '0',
    'How often files of the log that are not needed are removed; 0 = after each checkpoint. While the disk of the log is full, they are removed at once.',
    'In ZooKeeper 0 = never. To keep every file, write logRetentionSizeInKb=-1.',
  ),
  logRetentionSizeInKb: used(
    'KiB',
    '524288',
    'The newest part of the log, of this size, is kept; -1 = all of it. While the disk of the log is full, only -1 counts.',
    'Not in ZooKeeper.',
  ),
  logRetentionHours: used(
    'hours',
    '0',
    'A file of the log is kept for this time after its last write; -1 = without limit. While the disk of the log is full, only -1 counts.',
    'Not in ZooKeeper.',
  ),
}
