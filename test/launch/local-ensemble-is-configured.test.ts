import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { connectStringOf, localEnsemble, localServerCountMax } from '../../src/launch/local-ensemble.ts'

describe('an ensemble on one machine', () => {
  test.each([1, 3, localServerCountMax])('the files of %i servers are accepted and agree with each other', (count) => {
    const members = localEnsemble(count, '/here/data')
    const configs = members.map(({ configText, myidText }) => {
      const parsed = loadConfig({ text: configText, dynamicText: null, myidText })
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
      expect(parsed.value.remarks).toEqual([])
      return parsed.value.config
    })
    expect(configs.map((config) => [config.serverId, config.mode, config.members.length])).toEqual(
      members.map(({ id }) => [id, 'ensemble', count]),
    )
    const ports = configs.map((config) => `${config.clientAddress.host}:${config.clientAddress.port}`)
    expect(connectStringOf(members)).toBe(ports.join(','))
    expect(new Set(configs.map((config) => config.dataDir)).size).toBe(count)
  })
})
