/**
 * Which requests are played against single servers only, because an ensemble of Apache ZooKeeper does not survive them,
 * or because ours answers differently on purpose: the znode of the configuration has version 0 in its text and Stat.
 * A write that fails with anything but an error of ZooKeeper's own gets the zxid of the write before it, is proposed
 * with it, and no server answers any write after that (ZK: PrepRequestProcessor.pRequestHelper, its last catch).
 */
import type { Call, Operation } from './calls.ts'

const writes: ReadonlySet<string> = new Set([
  'create',
  'create2',
  'createContainer',
  'createTTL',
  'delete',
  'setData',
  'setACL',
  'multi',
  'reconfig',
])
const partsOfMulti: ReadonlySet<string> = new Set([...writes, 'check'])

export function isForSingleServersOnly(call: Call): boolean {
  return hangsAnEnsemble(call) || JSON.stringify(call.operation).includes('"/zookeeper/config"')
}

function hangsAnEnsemble({ operation, cutBytes }: Call): boolean {
  if (!writes.has(operation.op)) return false
  if (cutBytes !== undefined || /"(path|id|scheme|acl)":null/.test(JSON.stringify(operation))) return true
  return operation.op === 'multi' && (!operation.isEnded || !operation.parts.every(isLegalPart))
}

/** A part that the decoder refuses fails the whole multi. */
function isLegalPart(part: Operation): boolean {
  if (!partsOfMulti.has(part.op) || part.op === 'multi' || part.op === 'setACL' || part.op === 'reconfig') return false
  const isPlainCreate = part.op === 'create' || part.op === 'create2' || part.op === 'createContainer'
  return !isPlainCreate || (part.flags >= 0 && part.flags <= 4)
}
