import { createPrivateKey, createPublicKey, KeyObject, sign, verify } from 'node:crypto'
import { AnalyticsError } from '../../model/errors.ts'
import type { StatementSignature } from '../../model/statement.ts'

/** Reads an Ed25519 private key (PEM, or a key of `node:crypto`). @throws WRONG_USAGE; the message never contains the key */
export function readPrivateKey(given: string | Buffer | KeyObject): KeyObject {
  return readKey(
    () => (given instanceof KeyObject ? given : createPrivateKey(given)),
    'private',
    'openssl genpkey -algorithm ed25519 -out billing.key',
  )
}

/** Reads an Ed25519 public key (PEM, or base64 as in a statement). @throws WRONG_USAGE */
export function readPublicKey(text: string): KeyObject {
  return readKey(
    () => (text.includes('BEGIN') ? createPublicKey(text) : fromBase64(text)),
    'public',
    'openssl pkey -in billing.key -pubout -out billing.pub',
  )
}

/** Signs the canonical JSON of a header. */
export function signContent(content: string, privateKey: KeyObject): StatementSignature {
  return {
    algorithm: 'Ed25519',
    publicKey: toBase64(createPublicKey(privateKey)),
    value: sign(null, Buffer.from(content), privateKey).toString('base64'),
  }
}

/** Whether a signature is that of the owner of the public key it names. */
export function isSigned(content: string, { publicKey, value }: StatementSignature): boolean {
  try {
    const signature = Buffer.from(value, 'base64')
    // base64 of another form would be read too, so that a changed character could pass
    const isExact = signature.toString('base64') === value && toBase64(fromBase64(publicKey)) === publicKey
    return isExact && verify(null, Buffer.from(content), fromBase64(publicKey), signature)
  } catch {
    // no key, or no signature
    return false
  }
}

/** A public key as statements print it. */
export function toBase64(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
}

function fromBase64(text: string): KeyObject {
  return createPublicKey({ key: Buffer.from(text, 'base64'), type: 'spki', format: 'der' })
}

function readKey(read: () => KeyObject, kind: 'private' | 'public', remedy: string): KeyObject {
  try {
    const key = read()
    if (key.type === kind && key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // the reason could contain a part of the key
  }
  throw new AnalyticsError('WRONG_USAGE', `This is not a ${kind} Ed25519 key. Make one with: ${remedy}`)
}
