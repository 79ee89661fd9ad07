import { expect, test } from 'vitest'
import type { Account } from '../../src/report/account/read-account.ts'
import { renderAccount } from '../../src/report/account/render-account.ts'

const NOTHING = { late: [], instances: [], units: [], imports: [] }

test('billed sums are shown to the last digit', () => {
  const sums = { billed: '9007199254740993', notBilledYet: '9007199254740995', notBillable: '0' }
  const unit = { unit: 'tokens', ...sums, delivered: '18014398509481988' }
  const account = {
    ...NOTHING,
    accountedFor: true,
    database: 'SQLite /data/usage.db',
    dataDir: '/data',
    notes: [],
    storedRequests: 0,
    prunedRequests: 0,
    deliveredRequests: 0,
    missingRequests: 0,
    undeliveredRequests: 0,
    undeliveredQuantities: {},
    elsewhere: [],
    setAside: [],
    unreadable: [],
    billing: { statements: 1, units: [unit], faults: [] },
  } as unknown as Account
  expect(renderAccount(account, { colour: false })).toMatch(
    /^tokens +9,007,199,254,740,993 +9,007,199,254,740,995 +0 +18,014,398,509,481,988$/m,
  )
})
