/**
 * The fields of each command and their types, beside those that Apache ZooKeeper 3.9.5 sent. apache-fields.json was recorded from a
 * standalone server with one client, which had an ephemeral znode: each value is replaced by its type, each list by its first
 * element, and `#` stands for a key that is a session id or a time. `monitor` is left out: docs/reference/metrics.md lists its keys.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandNamed } from '../../src/admin/commands/command-table.ts'
import { jsonText } from '../../src/admin/commands/json-text.ts'
import { details, environment, status } from '../admin/admin-sources.ts'

type Shape = string | readonly Shape[] | { readonly [key: string]: Shape }

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'apache-fields.json'), 'utf8')) as Record<
  string,
  Shape
>

function shapeOf(value: unknown): Shape {
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value !== 'object') return typeof value
  const entries = Object.entries(value).map(
    ([key, each]) => [/^-?\d{6,}$/.test(key) ? '#' : key, shapeOf(each)] as const,
  )
  return Object.fromEntries(entries)
}

/** What was empty when it was recorded says nothing about its elements. */
function withoutElementsOfEmpty(ours: Shape, theirs: Shape): Shape {
  if (typeof ours === 'string' || typeof theirs === 'string') return ours
  if (Array.isArray(theirs)) {
    return theirs.length === 0
      ? []
      : Array.isArray(ours)
        ? ours.map((each) => withoutElementsOfEmpty(each, theirs[0]!))
        : ours
  }
  if (Array.isArray(ours)) return ours
  if (Object.keys(theirs).length === 0) return {}
  const fields = theirs as { readonly [key: string]: Shape }
  return Object.fromEntries(
    Object.entries(ours).map(([key, each]) => [
      key,
      Object.hasOwn(fields, key) ? withoutElementsOfEmpty(each, fields[key]!) : each,
    ]),
  )
}

test.each(Object.keys(recorded))('%s has the fields and types of Apache ZooKeeper', (name) => {
  const command = commandNamed(name)!
  const { fields, error } = command.answer({ status, details, environment, wallMs: 1, leaderId: null }, new Map())
  const text = jsonText(new Map([...fields, ['command', name] as const, ['error', error] as const]))
  const ours = shapeOf(JSON.parse(text))
  expect(withoutElementsOfEmpty(ours, recorded[name]!)).toEqual(recorded[name])
})
