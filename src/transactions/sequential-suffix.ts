/**
 * The suffix that a sequential create appends to the path: the number of children ever created under the parent, ten
 * characters wide, the sign of a wrapped counter included (ZK: PrepRequestProcessor, "%010d" of the internal cversion).
 */
export function sequentialSuffix(parentCreateCount: number): string {
  const digits = String(Math.abs(parentCreateCount))
  return parentCreateCount < 0 ? `-${digits.padStart(9, '0')}` : digits.padStart(10, '0')
}
