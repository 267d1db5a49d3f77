/**
 * Reads and writes RTP, whose header stays readable while its content is encrypted.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3550#section-5.1}
 */

/** Discord's payload type of Opus. */
const OPUS = 0x78;
const VERSION = 2;
const FIXED_BYTES = 12;

export interface RtpHeader {
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
  { extensionBytes, isPadded }: Pick<RtpHeader, "extensionBytes" | "isPadded">,
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
