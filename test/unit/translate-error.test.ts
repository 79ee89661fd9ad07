import { expect, test } from 'vitest'
import { translateError } from '../../src/store/database/translate-error.ts'

/** Those that a test on a real server cannot bring about in reasonable time are here; the others are there. */
test.each([
  [
    { code: '57P03', message: 'the database system is starting up' },
    'DATABASE_UNREACHABLE',
    /Try again in a moment/,
  ],
  [
    { code: '53100', message: 'could not extend file: No space left on device' },
    'DATABASE_FAILED',
    /Make room/,
  ],
  [{ code: '53200', message: 'out of memory' }, 'DATABASE_FAILED', /No memory is left/],
  [
    { code: '53300', message: 'sorry, too many clients already' },
    'DATABASE_UNREACHABLE',
    /No connection is free/,
  ],
  [
    { code: '25P03', message: 'terminating connection due to idle-in-transaction timeout' },
    'DATABASE_BUSY',
    /try again/,
  ],
  [
    { code: '25P04', message: 'terminating connection due to transaction timeout' },
    'DATABASE_FAILED',
    /transaction_timeout/,
  ],
  [
    { code: '40001', message: 'canceling statement due to conflict with recovery' },
    'DATABASE_BUSY',
    /hot_standby_feedback/,
  ],
  [{ code: '40P01', message: 'deadlock detected' }, 'DATABASE_BUSY', /Somebody else holds a lock/],
  [{ code: '57014', message: 'canceling statement due to user request' }, 'DATABASE_FAILED', /was cancelled/],
  [{ code: '3F000', message: 'no schema has been selected to create in' }, 'DATABASE_REFUSED', /search_path/],
  [
    { code: '28000', message: 'no pg_hba.conf entry for host "h", user "u", database "d", SSL off' },
    'DATABASE_REFUSED',
    /sslmode=verify-full/,
  ],
  [
    { code: '28000', message: 'role "u" is not permitted to log in' },
    'DATABASE_REFUSED',
    /Check user, password/,
  ],
  [{ code: '08P01', message: 'no such user' }, 'DATABASE_REFUSED', /Check user, password/],
  [
    { code: '08P01', message: 'server login failed: wrong password type' },
    'DATABASE_UNREACHABLE',
    /Check --database/,
  ],
  [{ code: '08006', message: 'connection failure' }, 'DATABASE_UNREACHABLE', /Check --database/],
  [
    { message: 'SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match' },
    'DATABASE_REFUSED',
    /Check user, password/,
  ],
  [{ message: 'timeout exceeded when trying to connect' }, 'DATABASE_BUSY', /connections of this process/],
  [{ message: 'Connection terminated unexpectedly' }, 'DATABASE_UNREACHABLE', /Cannot reach/],
  [{ code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }, 'DATABASE_REFUSED', /Renew it/],
  [
    { code: 'SELF_SIGNED_CERT_IN_CHAIN', message: 'self-signed certificate' },
    'DATABASE_REFUSED',
    /sslrootcert/,
  ],
  [
    { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', message: 'unable to verify' },
    'DATABASE_REFUSED',
    /sslrootcert/,
  ],
  [
    { code: 'ERR_SSL_WRONG_VERSION_NUMBER', message: 'wrong version number' },
    'DATABASE_REFUSED',
    /Check sslmode/,
  ],
  [
    { code: 'ENOENT', syscall: 'connect', message: 'connect ENOENT /nowhere' },
    'DATABASE_UNREACHABLE',
    /Cannot reach/,
  ],
  [
    { code: 'ENOENT', syscall: 'open', message: 'ENOENT: /nowhere.crt' },
    'DATABASE_REFUSED',
    /Check sslrootcert/,
  ],
  [{ code: 'XX000', message: 'something\nin two lines.' }, 'DATABASE_FAILED', /\(something; in two lines\)/],
  [
    { errors: [{ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED ::1:1' }] },
    'DATABASE_UNREACHABLE',
    /ECONNREFUSED/,
  ],
])('says %j in our words, with the place and a remedy', (error, code, message) => {
  const translated = translateError(error, 'PostgreSQL usage at db:5432')
  expect(translated).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(translated.message).toMatch(/^[A-Z].* PostgreSQL usage at db:5432 \(.*\)\. .*$/)
})
