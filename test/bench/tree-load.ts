/**
 * A large tree for the rows about checkpoints: znodes in parents of a thousand children each, and changes of some of
 * them, spread evenly. Runs in the process of the load generator.
 */
import { createFrame, type FrameTemplate, setDataFrame } from './frames.ts'
import { keyCount, type LoadJob, rootPath, treeParentSize, treePath } from './load-job.ts'
import { sendAll } from './request-window.ts'

const inFlightMax = 500 // below the limits of outstanding requests of both servers
const nodeExists = -110

export async function fillTree({ port, znodes, dataSizeBytes }: Extract<LoadJob, { kind: 'fill' }>): Promise<void> {
  const data = Buffer.alloc(dataSizeBytes, 'x')
  const parents = Math.ceil(znodes / treeParentSize)
  const accepts = (err: number): boolean => err === nodeExists
  const create = (count: number, frame: (index: number) => FrameTemplate, digits = (index: number) => index) =>
    sendAll({ port, count, inFlightMax, accepts, frame: (i) => ({ template: frame(i), digits: digits(i) }) })
  for (const path of [rootPath, `${rootPath}/tree`]) await create(1, () => createFrame(path, data))
  await create(parents, (parent) => createFrame(treePath(parent), data))
  const template = eachParent((path) => createFrame(`${path}/###`, data))
  await create(znodes, template, (index) => index % treeParentSize)
}

/** Sets the data of `count` znodes of a tree of `znodes`, at equal distances. */
export async function changeTree(job: Extract<LoadJob, { kind: 'change' }>): Promise<void> {
  const { port, znodes, count, dataSizeBytes, firstByte } = job
  const template = eachParent((path) => setDataFrame(`${path}/###`, Buffer.alloc(dataSizeBytes, firstByte)))
  const indexOf = (i: number): number => Math.floor((i * znodes) / count)
  await sendAll({
    port,
    count,
    inFlightMax,
    accepts: () => false,
    frame: (i) => ({ template: template(indexOf(i)), digits: indexOf(i) % treeParentSize }),
  })
}

/** Sets the data of the znodes of the other workloads, one after the other, again and again. */
export async function setKeys({ port, sets, dataSizeBytes }: Extract<LoadJob, { kind: 'set-keys' }>): Promise<void> {
  const template = setDataFrame(`${rootPath}/k####`, Buffer.alloc(dataSizeBytes, 's'))
  await sendAll({
    port,
    count: sets,
    inFlightMax,
    accepts: () => false,
    frame: (i) => ({ template, digits: i % keyCount }),
  })
}

/** The template for the znode with an index; that of the last parent is kept. */
function eachParent(make: (parentPath: string) => FrameTemplate): (index: number) => FrameTemplate {
  let parent = -1
  let template: FrameTemplate | undefined
  return (index) => {
    const wanted = Math.floor(index / treeParentSize)
    if (template === undefined || wanted !== parent) {
      parent = wanted
      template = make(treePath(parent))
    }
    return template
  }
}
