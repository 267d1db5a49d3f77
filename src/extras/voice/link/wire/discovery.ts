/**
 * Asks the voice server for the address from which it gets our packets.
 *
 * @see {@link https://docs.discord.com/developers/topics/voice-connections#ip-discovery}
 */

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
