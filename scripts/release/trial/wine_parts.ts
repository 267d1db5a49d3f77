/**
 * Finds Wine, and makes the library of Windows that Debian's Wine lacks.
 *
 * `scripts/test.ts` asks for Wine before any package is installed, so this file imports none.
 */

import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";

/** Programs of Debian's and of other packages. */
const PLACES = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"];

/** Path of Wine; `undefined` if it is not installed. */
export function findWine(exists: (path: string) => boolean = existsSync): string | undefined {
  return PLACES.find((path) => exists(path));
}

/** Where the library's parts are, in memory and in the file. */
const LAYOUT = { base: 0x1000, header: 0x200, sector: 512 } as const;

/**
 * Makes a library of Windows that only forwards one function to another library.
 *
 * @param name File name of the library.
 * @param entry The function.
 * @param target The function that it stands for: `"library.function"`.
 */
export function forwardingLibrary(name: string, entry: string, target: string): Uint8Array {
  const texts = Buffer.from(`${name}\0${entry}\0${target}\0`, "latin1");
  const tables = 40; // of the export directory, which the tables of one entry follow
  const [addresses, names, ordinals] = [tables, tables + 4, tables + 8].map((at) =>
    at + LAYOUT.base
  );
  const nameAt = LAYOUT.base + tables + 10;
  const entryAt = nameAt + name.length + 1;
  const targetAt = entryAt + entry.length + 1;
  const exported = Buffer.alloc(tables + 10);
  [0, 0, 0, nameAt, 1, 1, 1, addresses, names, ordinals, targetAt, entryAt].forEach(
    (value = 0, index) => exported.writeUInt32LE(value, index * 4),
  );
  const content = Buffer.concat([exported, texts]);
  const size = Math.ceil(content.length / LAYOUT.sector) * LAYOUT.sector;

  const header = Buffer.alloc(LAYOUT.header);
  header.write("MZ");
  header.writeUInt32LE(0x40, 0x3c);
  let at = header.write("PE\0\0", 0x40, "latin1") + 0x40;
  const put = (bytes: 2 | 4 | 8, ...values: readonly number[]) => {
    for (const value of values) {
      header.writeUIntLE(value % 2 ** 32, at, Math.min(bytes, 4));
      if (bytes === 8) header.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
      at += bytes;
    }
  };
  put(2, 0x8664, 1); // x64, one section
  put(4, 0, 0, 0);
  put(2, 240, 0x2022); // size of the next part; a library
  put(2, 0x20b, 14);
  put(4, 0, size, 0, 0, LAYOUT.base);
  put(8, 0x1_8000_0000);
  put(4, LAYOUT.base, LAYOUT.header);
  put(2, 6, 0, 0, 0, 6, 0);
  put(4, 0, 0x2000, LAYOUT.header, 0);
  put(2, 3, 0x100);
  put(8, 0x10_0000, 0x1000, 0x10_0000, 0x1000);
  put(4, 0, 16, LAYOUT.base, content.length);
  at += 15 * 8; // no other directories
  header.write(".edata", at);
  at += 8;
  put(4, content.length, LAYOUT.base, size, LAYOUT.header, 0, 0);
  put(2, 0, 0);
  put(4, 0x4000_0040);
  return Buffer.concat([header, content], LAYOUT.header + size);
}
