/**
 * Seals and opens the voice packets of Discord: RTP under one of its two transport encryptions.
 *
 * Both leave the RTP header and the preamble of its extension readable, and authenticate them. The
 * extension's body belongs to the encrypted part.
 *
 * @see {@link https://docs.discord.com/developers/topics/voice-connections#transport-encryption-modes}
 */

import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";

export const MODES = ["aead_aes256_gcm_rtpsize", "aead_xchacha20_poly1305_rtpsize"] as const;
export type Mode = typeof MODES[number];

/** Discord's payload type for Opus. */
export const OPUS_PAYLOAD_TYPE = 120;

/** A packet in the clear. */
export interface Media {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly isMarked?: boolean;
  readonly payload: Uint8Array;
  /** The body of its header extension, in words of four bytes. */
  readonly extension?: Uint8Array;
}

const HEADER_BYTES = 12;
const TAG_BYTES = 16;
const COUNTER_BYTES = 4;
const EXTENSION_PROFILE = 0xbede;

/** The cipher of one packet. Of its nonce, the counter comes first, and zeros fill the rest. */
function cipherOf(mode: Mode, key: Uint8Array, count: Buffer, header: Buffer) {
  if (mode === "aead_xchacha20_poly1305_rtpsize") {
    return xchacha20poly1305(key, Buffer.concat([count], 24), header);
  }
  const nonce = Buffer.concat([count], 12);
  return {
    encrypt(body: Uint8Array): Uint8Array {
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(header);
      return Buffer.concat([cipher.update(body), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt(sealed: Uint8Array): Uint8Array {
      const cipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(header)
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()]);
    },
  };
}

/** @param counter Number of the packet under this key: a nonce must never repeat. */
export function sealPacket(mode: Mode, key: Uint8Array, counter: number, media: Media): Buffer {
  const { extension, payload } = media;
  const header = Buffer.alloc(extension ? HEADER_BYTES + 4 : HEADER_BYTES);
  header[0] = extension ? 0x90 : 0x80;
  header[1] = media.payloadType | (media.isMarked ? 0x80 : 0);
  header.writeUInt16BE(media.sequence & 0xffff, 2);
  header.writeUInt32BE(media.timestamp >>> 0, 4);
  header.writeUInt32BE(media.ssrc, 8);
  if (extension) {
    header.writeUInt16BE(EXTENSION_PROFILE, HEADER_BYTES);
    header.writeUInt16BE(extension.length / 4, HEADER_BYTES + 2);
  }
  const body = extension ? Buffer.concat([extension, payload]) : payload;
  const count = Buffer.alloc(COUNTER_BYTES);
  count.writeUInt32BE(counter >>> 0);
  return Buffer.concat([header, cipherOf(mode, key, count, header).encrypt(body), count]);
}

/** @returns `undefined` for a packet that is no RTP, or not under this key. */
export function openPacket(mode: Mode, key: Uint8Array, packet: Buffer): Media | undefined {
  if (packet.length < HEADER_BYTES + TAG_BYTES + COUNTER_BYTES) return undefined;
  const first = packet.readUInt8(0);
  if (first >> 6 !== 2) return undefined;
  const preambleAt = HEADER_BYTES + 4 * (first & 0x0f);
  const isExtended = (first & 0x10) !== 0;
  const headerEnd = isExtended ? preambleAt + 4 : preambleAt;
  const countAt = packet.length - COUNTER_BYTES;
  if (countAt - headerEnd < TAG_BYTES) return undefined;
  const words = isExtended ? packet.readUInt16BE(preambleAt + 2) : 0;
  let plain: Uint8Array;
  try {
    const cipher = cipherOf(mode, key, packet.subarray(countAt), packet.subarray(0, headerEnd));
    plain = cipher.decrypt(packet.subarray(headerEnd, countAt));
  } catch {
    return undefined; // forged, or under another key
  }
  if (plain.length < 4 * words) return undefined;
  const second = packet.readUInt8(1);
  return {
    ssrc: packet.readUInt32BE(8),
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    payloadType: second & 0x7f,
    isMarked: (second & 0x80) !== 0,
    payload: plain.subarray(4 * words),
    ...(isExtended && { extension: plain.subarray(0, 4 * words) }),
  };
}
