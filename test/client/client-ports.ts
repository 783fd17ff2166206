/**
 * The ports of a client in the simulation of test/server. After each callback into the client its promises settle
 * before the next event, as in the event loop of a real process.
 */
import { connectWith } from '../../src/client/connect.ts'
import type { Client, ClientPorts } from '../../src/client/types.ts'
import type { ByteStream } from '../../src/ports/stream.ts'
import { SimProcess } from '../simulator/scheduler.ts'
import { SimClock, simTimers } from '../simulator/sim-clock.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import type { ServerRig } from '../support/server-rig.ts'
import { clientPort, serverHost } from '../support/server-rig.ts'

export function clientPorts({ scheduler, network }: ServerRig, host = '10.0.1.1'): ClientPorts {
  const process = new SimProcess(host)
  const timers = simTimers(scheduler, process, 1)
  const dialer = network.dialer(host, process)
  return {
    clock: new SimClock(scheduler, { rate: 1, monotonicStartMs: 0, wallOffsetMs: 0 }),
    timers: {
      after: (delayMs, callback) => timers.after(delayMs, noting(callback)),
      atTurnEnd: (callback) => timers.atTurnEnd(noting(callback)),
    },
    random: new SimRandom(7),
    dialer: {
      dial: (address, timeoutMs, done) =>
        dialer.dial(address, timeoutMs, (outcome) => {
          scheduler.noteAsync()
          done(outcome.ok ? { ok: true, stream: notingStream(outcome.stream) } : outcome)
        }),
    },
    log: null,
  }

  function noting(callback: () => void): () => void {
    return () => {
      scheduler.noteAsync()
      callback()
    }
  }

  function notingStream(stream: ByteStream): ByteStream {
    return {
      remoteAddress: stream.remoteAddress,
      remotePort: stream.remotePort,
      localPort: stream.localPort,
      handle: (handlers) =>
        stream.handle({
          onData: (bytes) => {
            scheduler.noteAsync()
            handlers.onData(bytes)
          },
          onDrain: () => handlers.onDrain(),
          onClose: (error) => {
            scheduler.noteAsync()
            handlers.onClose(error)
          },
        }),
      write: (bytes) => stream.write(bytes),
      queuedBytes: () => stream.queuedBytes(),
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      destroy: () => stream.destroy(),
    }
  }
}

/** A client with a session; `chroot` is '' or a path. */
export function connectedClient(simulation: ServerRig, chroot = ''): Promise<Client> {
  const servers = `${serverHost}:${clientPort}${chroot}`
  return simulation.settle(connectWith({ servers }, 5_000, clientPorts(simulation)))
}
