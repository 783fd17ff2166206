/**
 * What ZooKeeper's documentation says of quotas, in the plainest form: every answer is computed from the
 * znodes themselves, without an index. Shares no code with the server. Knows only the texts that the workload writes:
 * `name=number` after `name=number`, or something that is none.
 */

export interface QuotaNode {
  data: string | null
}

const folder = '/zookeeper/quota'

/** Usage is written here as ZooKeeper does it: the znode's data changes, and nothing else of it. */
export class ModelQuotas<Node extends QuotaNode> {
  readonly #nodes: ReadonlyMap<string, Node>
  readonly #write: (node: Node, data: string) => void

  constructor(nodes: ReadonlyMap<string, Node>, write: (node: Node, data: string) => void) {
    this.#nodes = nodes
    this.#write = write
  }

  created(path: string, data: string | null): void {
    const metered = /^\/zookeeper\/quota(.*)\/zookeeper_stats$/.exec(path)?.[1]
    if (metered !== undefined) this.#countAnew(metered)
    this.#add(path, 1, lengthOf(data))
  }

  removed(path: string, data: string | null): void {
    this.#add(path, -1, -lengthOf(data))
  }

  resized(path: string, before: string | null, after: string | null): void {
    this.#add(path, 0, lengthOf(after) - lengthOf(before))
  }

  #add(path: string, count: number, sizeBytes: number): void {
    const names = path.split('/').slice(1)
    for (let depth = names.length; depth > 0; depth--) {
      const quota = `/${names.slice(0, depth).join('/')}`
      if (!this.#nodes.has(`${folder}${quota}/zookeeper_limits`)) continue
      const usage = this.#nodes.get(`${folder}${quota}/zookeeper_stats`)
      if (usage === undefined) return
      const fields = fieldsOf(usage.data)
      if (fields === null) return this.#countAnew(quota)
      fields.set('count', (fields.get('count') ?? -1) + count)
      fields.set('bytes', (fields.get('bytes') ?? -1) + sizeBytes)
      return this.#write(usage, textOf(fields))
    }
  }

  #countAnew(quota: string): void {
    let [count, sizeBytes] = [0, 0]
    for (const [path, { data }] of this.#nodes) {
      if (path !== quota && !path.startsWith(`${quota}/`)) continue
      count += 1
      sizeBytes += lengthOf(data)
    }
    const usage = this.#nodes.get(`${folder}${quota}/zookeeper_stats`)!
    this.#write(usage, `count=${count},bytes=${sizeBytes}`)
  }
}

function lengthOf(data: string | null): number {
  return data?.length ?? 0
}

function fieldsOf(text: string | null): Map<string, number> | null {
  const fields = new Map<string, number>()
  for (const pair of (text ?? 'none').split(/[,;]/)) {
    const match = /^([^=]+)=(-?[0-9]+)=?$/.exec(pair)
    if (match === null) return null
    fields.set(match[1]!, Number(match[2]))
  }
  return fields
}

function textOf(fields: ReadonlyMap<string, number>): string {
  const others = [...fields]
    .filter(([name]) => name !== 'count' && name !== 'bytes')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const head = `count=${fields.get('count')},bytes=${fields.get('bytes')}`
  return others.length === 0 ? head : `${head}=${others.map(([name, value]) => `;${name}=${value}`).join('')}`
}
