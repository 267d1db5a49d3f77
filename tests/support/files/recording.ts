/** Makes recordings, as people send them in voice messages. */

/** Opus frames of 20 ms in a second. */
const FRAMES_PER_SEC = 50;
/** Samples of a frame at the 48 kHz of Opus. */
const FRAME_SAMPLES = 960;
const SILENCE: readonly number[] = [0xf8, 0xff, 0xfe];

export function silentRecording(seconds: number): Uint8Array<ArrayBuffer> {
  const head = [...bytesOf("OpusHead"), 1, 1, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0];
  const tags = [...bytesOf("OpusTags"), 4, 0, 0, 0, ...bytesOf("test"), 0, 0, 0, 0];
  const frames = seconds * FRAMES_PER_SEC;
  const pages = [oggPage(0, 2, 0, [head]), oggPage(1, 0, 0, [tags])];
  for (let first = 0; first < frames; first += FRAMES_PER_SEC) {
    const count = Math.min(FRAMES_PER_SEC, frames - first);
    const packets = Array.from({ length: count }, () => SILENCE);
    const isLast = first + count === frames;
    pages.push(oggPage(pages.length, isLast ? 4 : 0, (first + count) * FRAME_SAMPLES, packets));
  }
  return new Uint8Array(pages.flatMap((page) => [...page]));
}

function oggPage(
  number: number,
  flags: number,
  position: number,
  packets: readonly (readonly number[])[],
): Uint8Array {
  const body = packets.flat();
  const page = new Uint8Array(27 + packets.length + body.length);
  page.set(bytesOf("OggS"));
  const view = new DataView(page.buffer);
  view.setUint8(5, flags);
  view.setUint32(6, position, true);
  view.setUint32(14, 7, true);
  view.setUint32(18, number, true);
  view.setUint8(26, packets.length);
  page.set(packets.map((packet) => packet.length), 27);
  page.set(body, 27 + packets.length);
  view.setUint32(22, checksum(page), true);
  return page;
}

/** CRC-32 of a page without its checksum, with the polynomial of Ogg. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (const byte of page) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
