/** What the scripted checkpoints of a test do when they are to advance to one of these. Any other number succeeds. */
export const deeds = {
  failWithCode: 2,
  throwOutside: 3,
  fillTheHeap: 4,
  violateAnInvariant: 5,
  neverAnswer: 6,
  loopForever: 7,
  logManyLines: 8,
  tellPriority: 9,
  leaveGarbage: 10, // and log `garbage-collected` when it was collected
} as const
