/** Draws invalid gateway frames from a seed. */

import { Buffer } from "node:buffer";
import { guildData, messageData, pressData } from "./discord/payloads.ts";

/** Text of people, which no log line may contain. */
export const WORDS = "private words";

/** Values of JSON that no field of Discord has. */
const ODD_VALUES: readonly string[] = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "1e308",
  "1e999",
  "9007199254740993",
  "123456789012345678901234567890",
  '""',
  '"0"',
  '"\\ud800"',
  '"\\u0000"',
  `"${WORDS}"`,
  '"1500000000000000001"',
  "[]",
  "{}",
  "[[[[[[[[]]]]]]]]",
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toString":null,"valueOf":1,"hasOwnProperty":[]}',
];

const NO_VALUES: readonly string[] = ["NaN", "undefined", "'x'", "01", "{,}", "[1,]", ""];

const TYPES = [
  '"READY"',
  '"RESUMED"',
  '"MESSAGE_CREATE"',
  '"MESSAGE_CREATE"',
  '"MESSAGE_DELETE"',
  '"MESSAGE_DELETE_BULK"',
  '"INTERACTION_CREATE"',
  '"GUILD_CREATE"',
  '"GUILD_UPDATE"',
  '"GUILD_DELETE"',
  '"GUILD_ROLE_CREATE"',
  '"GUILD_ROLE_DELETE"',
  '"GUILD_MEMBER_UPDATE"',
  '"CHANNEL_CREATE"',
  '"CHANNEL_UPDATE"',
  '"CHANNEL_DELETE"',
  '"THREAD_CREATE"',
  '"THREAD_UPDATE"',
  '"THREAD_DELETE"',
  '"THREAD_LIST_SYNC"',
  '"USER_UPDATE"',
  '"TYPING_START"',
  '"__proto__"',
  '"constructor"',
  '"hasOwnProperty"',
  `"${WORDS}"`,
  `"${"X".repeat(5_000)}"`,
];

const OPS = ["0", "0", "0", "0", "0", "0", "1", "7", "9", "10", "11", "2", "99", "-1", "0.5"];

/** Draws one text after the other. */
export function createFuzzer(random: () => number): () => string {
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)]!;
  const chance = (part: number) => random() < part;
  const odd = () => pick(chance(0.01) ? NO_VALUES : ODD_VALUES);

  function value(depth: number): string {
    if (depth === 0 || chance(0.5)) return odd();
    const count = Math.floor(random() * 5);
    if (chance(0.4)) return `[${Array.from({ length: count }, () => value(depth - 1)).join(",")}]`;
    const keys = [
      "id",
      "__proto__",
      "constructor",
      "guild_id",
      "content",
      "members",
      "",
      "d",
      "op",
    ];
    return `{${
      Array.from({ length: count }, () => `"${pick(keys)}":${value(depth - 1)}`).join(",")
    }}`;
  }

  /** A payload as Discord sends it, with some of its values replaced, left out or doubled. */
  function spoilt(data: unknown, part: number): string {
    if (chance(part)) return chance(0.8) ? odd() : value(2);
    if (Array.isArray(data)) {
      const items = data.flatMap((item) => chance(part) ? [item, item] : [item]);
      return `[${items.map((item) => spoilt(item, part)).join(",")}]`;
    }
    if (typeof data !== "object" || data === null) return JSON.stringify(data) ?? "null";
    const fields = Object.entries(data).filter(() => !chance(part));
    const proto = chance(part) ? ['"__proto__":{"polluted":1}'] : [];
    return `{${
      [...proto, ...fields.map(([key, its]) => `${JSON.stringify(key)}:${spoilt(its, part)}`)].join(
        ",",
      )
    }}`;
  }

  function data(): string {
    if (chance(0.45)) return spoilt(messageData({ content: WORDS }), 0.06);
    if (chance(0.5)) return spoilt(guildData(), 0.04);
    if (chance(0.5)) return spoilt(pressData(), 0.04);
    return value(4);
  }

  function envelope(): string {
    const fields = [
      `"t":${chance(0.9) ? pick(TYPES) : odd()}`,
      `"s":${chance(0.85) ? Math.floor(random() * 1e6) : odd()}`,
      `"op":${chance(0.95) ? pick(OPS) : odd()}`,
      `"d":${data()}`,
    ];
    if (chance(0.2)) fields.push(...fields.splice(0, Math.floor(random() * fields.length)));
    return `{${fields.filter(() => !chance(0.03)).join(",")}}`;
  }

  /** The text of bytes that changed on the way, and may be invalid UTF-8. */
  function damaged(text: string): string {
    const bytes = Buffer.from(text);
    for (let i = 0; i < 4; i++) bytes[Math.floor(random() * bytes.length)] = random() * 256;
    return bytes.subarray(0, chance(0.3) ? random() * bytes.length : bytes.length).toString();
  }

  return () => {
    const kind = random();
    if (kind < 0.6) return envelope();
    if (kind < 0.8) return damaged(envelope());
    if (kind < 0.95) return value(5);
    if (kind < 0.999) {
      return Buffer.from(Array.from({ length: 40 }, () => random() * 256)).toString();
    }
    return "[".repeat(50_000);
  };
}
