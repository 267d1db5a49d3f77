/**
 * Reads, writes and encrypts the packets of a voice server: those of its IP discovery, and RTP, whose
 * header stays readable. The nonce is a counter of four bytes, which follows the tag; the header is
 * authenticated.
 *
 * @see {@link https://docs.discord.com/developers/topics/voice-connections}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3550#section-5.1}
 */

import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";

const ASK = 1;
const ANSWER = 2;
/** Bytes after the type and this length. */
const REST_BYTES = 70;
const ADDRESS_AT = 8;
const PORT_AT = 72;

export function discoveryRequest(ssrc: number): Uint8Array {
  const packet = new DataView(new ArrayBuffer(4 + REST_BYTES));
  packet.setUint16(0, ASK);
  packet.setUint16(2, REST_BYTES);
  packet.setUint32(4, ssrc);
  return new Uint8Array(packet.buffer);
}

/** Reads the answer; `undefined` for other packets. */
export function discovered(
  packet: Uint8Array,
  ssrc: number,
): { readonly address: string; readonly port: number } | undefined {
  if (packet.length !== 4 + REST_BYTES) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const isAnswer = view.getUint16(0) === ANSWER && view.getUint16(2) === REST_BYTES;
  if (!isAnswer || view.getUint32(4) !== ssrc) return undefined;
  const [address = ""] = new TextDecoder().decode(packet.subarray(ADDRESS_AT, PORT_AT)).split("\0");
  return { address, port: view.getUint16(PORT_AT) };
}

/** Discord's payload type of Opus. */
const OPUS = 0x78;
const VERSION = 2;
const FIXED_BYTES = 12;

interface RtpHeader {
  /** Counts packets, from 0 again after 65,535. */
  readonly sequence: number;
  /** Number of the sender's stream. */
  readonly ssrc: number;
  /** Length of the part that is not encrypted: with a header extension, its first four bytes, too. */
  readonly bytes: number;
  /** Length of the extension's rest, at the begin of the encrypted part. */
  readonly extensionBytes: number;
  readonly isPadded: boolean;
}

/** Reads the header of a packet of sound; `undefined` for others, such as RTCP. */
export function readRtp(packet: Uint8Array): RtpHeader | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if (packet.length < FIXED_BYTES) return undefined;
  const flags = view.getUint8(0);
  if (flags >> 6 !== VERSION || (view.getUint8(1) & 0x7f) !== OPUS) return undefined;
  const hasExtension = (flags & 0x10) !== 0;
  const sources = FIXED_BYTES + 4 * (flags & 0x0f);
  const bytes = sources + (hasExtension ? 4 : 0);
  if (packet.length < bytes) return undefined;
  return {
    sequence: view.getUint16(2),
    ssrc: view.getUint32(8),
    bytes,
    extensionBytes: hasExtension ? 4 * view.getUint16(sources + 2) : 0,
    isPadded: (flags & 0x20) !== 0,
  };
}

/** Removes the header extension and the padding from a decrypted part; `undefined`: it has a wrong form. */
export function contentOf(
  { extensionBytes, isPadded }: { readonly extensionBytes: number; readonly isPadded: boolean },
  plain: Uint8Array,
): Uint8Array | undefined {
  const padding = isPadded ? plain.at(-1) ?? 0 : 0;
  const end = plain.length - padding;
  if (end < extensionBytes || isPadded && padding === 0) return undefined;
  return plain.subarray(extensionBytes, end);
}

export function rtpHeader(
  { sequence, timestamp, ssrc }: {
    readonly sequence: number;
    readonly timestamp: number;
    readonly ssrc: number;
  },
): Uint8Array {
  const header = new Uint8Array(FIXED_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, VERSION << 6);
  view.setUint8(1, OPUS);
  view.setUint16(2, sequence & 0xffff);
  view.setUint32(4, timestamp >>> 0);
  view.setUint32(8, ssrc);
  return header;
}

const TAG_BYTES = 16;
const COUNTER_BYTES = 4;

/** As the other cipher, by the runtime: its library takes twenty times as long for this one. */
const gcm = (key: Uint8Array, nonce: Uint8Array, header: Uint8Array) => ({
  encrypt(plain: Uint8Array): Uint8Array {
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(header);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  },
  decrypt(sealed: Uint8Array): Uint8Array {
    const end = sealed.length - TAG_BYTES;
    const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(header).setAuthTag(sealed.subarray(end));
    return Buffer.concat([cipher.update(sealed.subarray(0, end)), cipher.final()]);
  },
});

/** The ciphers of each mode, and the length of their nonces; the best one first. */
const CIPHERS = {
  aead_aes256_gcm_rtpsize: { cipher: gcm, nonceBytes: 12 },
  aead_xchacha20_poly1305_rtpsize: { cipher: xchacha20poly1305, nonceBytes: 24 },
};

export type TransportMode = keyof typeof CIPHERS;

export function isTransportMode(mode: string): mode is TransportMode {
  return Object.hasOwn(CIPHERS, mode);
}

/** Chooses the best of the modes that a server has; `undefined` if there is none. */
export function chooseMode(offered: readonly string[]): TransportMode | undefined {
  return Object.keys(CIPHERS).filter(isTransportMode).find((mode) => offered.includes(mode));
}

export function createTransport(mode: TransportMode, key: Uint8Array, sent = 0) {
  const { cipher, nonceBytes } = CIPHERS[mode];
  let counter = sent;
  return {
    /** Returns the whole packet. */
    seal(header: Uint8Array, plain: Uint8Array): Uint8Array {
      const nonce = Buffer.alloc(nonceBytes);
      nonce.writeUInt32BE(counter);
      counter = (counter + 1) >>> 0;
      const sealed = cipher(key, nonce, header).encrypt(plain);
      return Buffer.concat([header, sealed, nonce.subarray(0, COUNTER_BYTES)]);
    },
    /** Returns the decrypted part of a packet; `undefined` if it is not of the server. */
    open(packet: Uint8Array, headerBytes: number): Uint8Array | undefined {
      const end = packet.length - COUNTER_BYTES;
      if (end < headerBytes + TAG_BYTES) return undefined;
      const nonce = Buffer.alloc(nonceBytes);
      nonce.set(packet.subarray(end));
      const header = packet.subarray(0, headerBytes);
      try {
        return cipher(key, nonce, header).decrypt(packet.subarray(headerBytes, end));
      } catch {
        return undefined;
      }
    },
  };
}

export type Transport = ReturnType<typeof createTransport>;
