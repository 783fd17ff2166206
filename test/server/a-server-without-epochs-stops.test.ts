/** Epochs end. A server whose data has the last one cannot get a leader, and says so. */
import { expect, test } from 'vitest'
import { type Epoch, epochMax, type ServerId } from '../../src/base/ids.ts'
import { LogStorage } from '../../src/storage/log-storage.ts'
import { appendAndWait, stillClock, stillTimers } from '../storage/storage-rig.ts'
import { ServerRig, standaloneConfig } from '../support/server-rig.ts'

test('a server whose data has the last epoch stops, and says why and what to do', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.settle((await rig.started(standaloneConfig(), disk)).close())
  const serverId = 1 as ServerId
  const how = { clock: stillClock, timers: stillTimers, log: rig.log, folder: '/data/wal', serverId }
  const storage = new LogStorage({ disk, ...how })
  await rig.settle(storage.open(() => {}))
  await rig.settle(appendAndWait(storage, [{ kind: 'accepted-epoch', epoch: epochMax as Epoch, leader: serverId }]))
  await rig.settle(storage.close())
  const { server } = rig.server(standaloneConfig(), disk)
  void server.start()
  await rig.run(1000)
  const [stop] = rig.events('server-must-stop')
  expect(stop?.['reason']).toMatch(/^no epoch is left: .*2097151 is the last.*restore a backup from before that epoch/)
})
