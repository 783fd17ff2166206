/**
 * Base64 with padding, as digest ids spell their hash (ZK: DigestAuthenticationProvider.base64Encode).
 * Written by hand because pure code imports no platform module.
 */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let start = 0; start < bytes.length; start += 3) {
    const given = Math.min(3, bytes.length - start)
    const group = (bytes[start]! << 16) | ((bytes[start + 1] ?? 0) << 8) | (bytes[start + 2] ?? 0)
    for (let digit = 0; digit < 4; digit++) {
      text += digit <= given ? alphabet[(group >> (18 - 6 * digit)) & 63] : '='
    }
  }
  return text
}
