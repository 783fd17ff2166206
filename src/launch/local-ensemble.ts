/**
 * The configuration files of an ensemble whose servers all run on this machine, for development. The ports are fixed,
 * so that the connect string of a client is the same in every run.
 */
export interface LocalMember {
  readonly id: number
  readonly clientPort: number
  readonly dataDir: string
  readonly configPath: string
  readonly configText: string
  readonly myidPath: string
  readonly myidText: string
}

export const localServerCountMax = 9
const clientPortMin = 2181
const quorumPortMin = 2888
const electionPortMin = 3888
const adminPortMin = 8080

/** Each server gets a folder of its own below `folder`. */
export function localEnsemble(serverCount: number, folder: string): readonly LocalMember[] {
  const ids = Array.from({ length: serverCount }, (_, i) => i + 1)
  const serverLines = ids.map((id) => {
    const peer = `127.0.0.1:${quorumPortMin + id - 1}:${electionPortMin + id - 1}`
    return `server.${id}=${peer};127.0.0.1:${clientPortMin + id - 1}`
  })
  return ids.map((id) => {
    const dataDir = `${folder}/server.${id}`
    const lines = [
      `# Server ${id} of ${serverCount} on this machine, written by zkts-server --local ${serverCount}.`,
      `dataDir=${dataDir}`,
      'tickTime=2000',
      'initLimit=10',
      'syncLimit=5',
      'standaloneEnabled=false',
      `admin.serverPort=${adminPortMin + id - 1}`,
      ...serverLines,
    ]
    return {
      id,
      clientPort: clientPortMin + id - 1,
      dataDir,
      configPath: `${dataDir}/zoo.cfg`,
      configText: `${lines.join('\n')}\n`,
      myidPath: `${dataDir}/myid`,
      myidText: `${id}\n`,
    }
  })
}

export function connectStringOf(members: readonly LocalMember[]): string {
  return members.map((member) => `127.0.0.1:${member.clientPort}`).join(',')
}
