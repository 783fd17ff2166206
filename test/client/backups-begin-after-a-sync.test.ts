import { expect, test } from 'vitest'
import { openBackup } from '../../src/client/backup-reader.ts'
import { encode } from '../../src/jute/record.ts'
import { OpenBackupReply } from '../../src/protocol/client/backup-records.ts'

test('a backup is opened after a sync, since its server may lack what others have acknowledged', async () => {
  const asked: string[] = []
  const opened = openBackup(async (op) => {
    asked.push(op)
    return op === 'openBackup' ? encode(OpenBackupReply, { backupId: 0 }) : new Uint8Array(0)
  }, {})
  await expect(opened).rejects.toMatchObject({ refusal: 'too-many' })
  expect(asked).toEqual(['sync', 'openBackup'])
})
