/**
 * Proxies between the servers of an ensemble, by which a measurement cuts links without closing them. Each server gets a
 * list of members in which the ports of every other member are those of proxies.
 * Owns: the proxies. Assumes: addresses on loopback, and ports of five digits, so that an address can be replaced in a
 * message without changing its length.
 */
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import type { EnsembleMember } from './zoo-config.ts'

interface LinkProxies {
  readonly from: EnsembleMember
  readonly to: EnsembleMember
  readonly quorum: FaultyProxy
  readonly election: FaultyProxy
}

export class PeerLinkProxies {
  readonly #links: LinkProxies[] = []
  #members: readonly EnsembleMember[] = []

  async start(members: readonly EnsembleMember[]): Promise<void> {
    this.#members = members
    for (const from of members) {
      for (const to of members) {
        if (from === to) continue
        const quorum = await startFaultyProxy(to.quorumPort)
        // A server sends the address of its own election port, and a peer with a higher id connects to that one
        // (ZK: QuorumCnxManager.InitialMessage).
        const election = await startFaultyProxy(to.electionPort, (bytes) => this.#withProxiedAddress(bytes, from, to))
        this.#links.push({ from, to, quorum, election })
      }
    }
  }

  /** The members as the configuration of this server has them. */
  membersSeenBy(serverId: number): readonly EnsembleMember[] {
    return this.#members.map((member) => {
      if (member.serverId === serverId) return member
      const { quorum, election } = this.#link(serverId, member.serverId)
      return { ...member, quorumPort: quorum.port, electionPort: election.port }
    })
  }

  /** From now on no byte passes between this server and its peers. No connection closes. */
  holdLinksOf(serverId: number): void {
    for (const { from, to, quorum, election } of this.#links) {
      if (from.serverId !== serverId && to.serverId !== serverId) continue
      quorum.hold()
      election.hold()
    }
  }

  close(): void {
    for (const { quorum, election } of this.#links) {
      quorum.close()
      election.close()
    }
  }

  #withProxiedAddress(bytes: Buffer, from: EnsembleMember, to: EnsembleMember): Buffer {
    const back = this.#link(to.serverId, from.serverId)
    const text = bytes.toString('latin1')
    return Buffer.from(text.replace(`:${from.electionPort}`, `:${back.election.port}`), 'latin1')
  }

  #link(from: number, to: number): LinkProxies {
    return this.#links.find((link) => link.from.serverId === from && link.to.serverId === to)!
  }
}
