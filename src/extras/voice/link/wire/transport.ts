/**
 * Encrypts packets on the way to the voice server. The nonce is a counter of four bytes, which follows
 * the tag; the header is authenticated.
 *
 * @see {@link https://docs.discord.com/developers/topics/voice-connections#transport-encryption-modes}
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";

const TAG_BYTES = 16;
const COUNTER_BYTES = 4;

interface Cipher {
  readonly nonceBytes: number;
  /** The ciphertext and its tag. */
  seal(key: Uint8Array, nonce: Uint8Array, header: Uint8Array, plain: Uint8Array): Uint8Array;
  /** @throws {Error} If the tag is wrong. */
  open(key: Uint8Array, nonce: Uint8Array, header: Uint8Array, sealed: Uint8Array): Uint8Array;
}

const CIPHERS = {
  aead_aes256_gcm_rtpsize: {
    nonceBytes: 12,
    seal(key, nonce, header, plain) {
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(header);
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(key, nonce, header, sealed) {
      const end = sealed.length - TAG_BYTES;
      const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(header).setAuthTag(sealed.subarray(end));
      return Buffer.concat([cipher.update(sealed.subarray(0, end)), cipher.final()]);
    },
  },
  aead_xchacha20_poly1305_rtpsize: {
    nonceBytes: 24,
    seal: (key, nonce, header, plain) => xchacha20poly1305(key, nonce, header).encrypt(plain),
    open: (key, nonce, header, sealed) => xchacha20poly1305(key, nonce, header).decrypt(sealed),
  },
} satisfies Readonly<Record<string, Cipher>>;

export type TransportMode = keyof typeof CIPHERS;

export function isTransportMode(mode: string): mode is TransportMode {
  return Object.hasOwn(CIPHERS, mode);
}

/** Chooses the best of the modes that a server has; `undefined` if there is none. */
export function chooseMode(offered: readonly string[]): TransportMode | undefined {
  return Object.keys(CIPHERS).filter(isTransportMode).find((mode) => offered.includes(mode));
}

export interface Transport {
  /** Returns the whole packet. */
  seal(header: Uint8Array, plain: Uint8Array): Uint8Array;
  /** Returns the decrypted part of a packet; `undefined` if it is not of the server. */
  open(packet: Uint8Array, headerBytes: number): Uint8Array | undefined;
}

export function createTransport(mode: TransportMode, key: Uint8Array, sent = 0): Transport {
  const cipher: Cipher = CIPHERS[mode];
  let counter = sent;
  return {
    seal(header, plain) {
      const nonce = Buffer.alloc(cipher.nonceBytes);
      nonce.writeUInt32BE(counter);
      counter = (counter + 1) >>> 0;
      const sealed = cipher.seal(key, nonce, header, plain);
      return Buffer.concat([header, sealed, nonce.subarray(0, COUNTER_BYTES)]);
    },
    open(packet, headerBytes) {
      const end = packet.length - COUNTER_BYTES;
      if (end < headerBytes + TAG_BYTES) return undefined;
      const nonce = Buffer.alloc(cipher.nonceBytes);
      nonce.set(packet.subarray(end));
      const header = packet.subarray(0, headerBytes);
      try {
        return cipher.open(key, nonce, header, packet.subarray(headerBytes, end));
      } catch {
        return undefined;
      }
    },
  };
}
