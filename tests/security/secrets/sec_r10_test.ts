import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { lettersOf } from "../../../src/render/safety/secret_forms.ts";
import { createSecretFilter, createSecretTail } from "../../../src/render/safety/secrets.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";

const TOKEN = "MTQwMDE1OTI2NTM1ODk3OTMy.GkQ7xR.wJ4vX9pLq2TnZ8sKd-7Yb3Rf_M1hVgC6uE0aQoW";
const KEY = "sk-proj-Zq8mT2vN5xR7kP1w-J4hL9cD3fB6gS0yQe_UaIoXtVnMr";
const HEADER = "https://openrouter.ai/apps/Kx83jQv0Zp5Lm21w";
const PASSPHRASE = "correct horse battery staple";
const SECRETS = [TOKEN, KEY, HEADER, PASSPHRASE];

const filter = createSecretFilter(SECRETS);
const bytes = (text: string) => [...Buffer.from(text)];
const reversed = (text: string) => [...text].reverse().join("");
const shifted = (text: string, upper: number, lower: number, digit: number) =>
  text.replace(/[A-Za-z0-9]/g, (one) => {
    const code = one.charCodeAt(0);
    const [first, from] = code > 96 ? [97, lower] : code > 64 ? [65, upper] : [48, digit];
    return String.fromCodePoint(code - first + from);
  });

/** At least twelve letters of a part that anyone could only know from the secret. */
function partOf(secret: string, { upTo }: Seeded): string {
  const from = secret === TOKEN
    ? TOKEN.indexOf(".")
    : secret === KEY
    ? "sk-proj-".length
    : HEADER.lastIndexOf("/");
  const places = Array.from(secret, (_, at) => at)
    .filter((at) => at >= from && lettersOf(secret.slice(at)).length >= 12);
  const start = places[upTo(places.length)] ?? from;
  let end = start + 12;
  while (lettersOf(secret.slice(start, end)).length < 12) end += 1;
  return secret.slice(start, end + upTo(secret.length - end + 1));
}

type Spell = (part: string, random: Seeded) => string;

const SPELLINGS: Readonly<Record<string, Spell>> = {
  plain: (part) => part,
  backwards: (part) => reversed(part),
  spaced: (part) => [...part].join(" "),
  hex: (part) => Buffer.from(part).toString("hex"),
  "hex backwards": (part) => reversed(Buffer.from(part).toString("hex")),
  base64: (part, { between }) => Buffer.from("x".repeat(between(0, 2)) + part).toString("base64"),
  percent: (part) => bytes(part).map((byte) => `%${byte.toString(16)}`).join(""),
  "code points": (part) => bytes(part).map((byte) => `U+00${byte.toString(16)}`).join(" "),
  "full width": (part) => shifted(part, 0xff21, 0xff41, 0xff10),
  bold: (part) => shifted(part, 0x1d400, 0x1d41a, 0x1d7ce),
  "invisible tags": (part) =>
    [...part].map((one) => String.fromCodePoint(0xe0000 + one.charCodeAt(0))).join(""),
  accents: (part) => [...part].map((one) => `${one}\u0301`.normalize("NFC")).join(""),
  decimal: (part) => bytes(part).join(" "),
  "decimal, joined": (part) => bytes(part).join(""),
  "decimal in three digits, joined": (part) =>
    bytes(part).map((byte) => String(byte).padStart(3, "0")).join(""),
  calls: (part) => bytes(part).map((byte) => `chr(${byte})`).join(" + "),
  "a table": (part) => bytes(part).map((byte, at) => `| ${at + 1} | ${byte} |`).join("\n"),
  octal: (part) => bytes(part).map((byte) => byte.toString(8)).join(" "),
  "octal, joined": (part) => bytes(part).map((byte) => byte.toString(8).padStart(3, "0")).join(""),
  binary: (part) => bytes(part).map((byte) => byte.toString(2).padStart(8, "0")).join(" "),
  "binary, joined": (part) => bytes(part).map((byte) => byte.toString(2).padStart(8, "0")).join(""),
};

describe("[SEC-R10] createSecretFilter() › parts of secrets", () => {
  for (const [name, spell] of Object.entries(SPELLINGS)) {
    it(`finds any twelve letters of one: ${name}`, () => {
      const random = seeded(15);
      for (let run = 0; run < 200; run += 1) {
        const part = partOf(random.pick([TOKEN, KEY, HEADER]), random);
        const spelled = spell(part, random);
        const { text, found } = filter(`It begins like this: ${spelled}, and goes on.`);
        assert.ok(found >= 1, `${part}: ${spelled}`);
        const left = lettersOf(text).length -
          lettersOf("It begins like this: , and goes on.").length;
        assert.ok(left <= "redacted".length + 12, `${spelled} leaves ${text}`);
      }
    });
  }

  it("finds both halves of a secret in two answers", () => {
    for (const secret of [TOKEN, KEY]) {
      const middle = Math.ceil(secret.length / 2);
      for (const half of [secret.slice(0, middle), secret.slice(middle)]) {
        const { text } = filter(`One half is ${half}`);
        assert.ok(!SECRETS.some((whole) => text.includes(whole.slice(-12))), text);
        assert.match(text, /^One half is .{0,2}\[redacted\]$/);
      }
    }
  });
});

describe("[SEC-R10] createSecretFilter() › common words of secrets", () => {
  const texts = [
    "See https://openrouter.ai/apps for all apps.",
    "https://openrouter.ai/apps/Kx83j is another one",
    "a correct horse, and a battery: staple them",
    "MTQwMDE1OTI2NTM1ODk3OTMy is my user id in base64, as in any token: MTQwMDE1OTI2NTM1ODk3OTMy.G",
    "OpenAI's keys begin with sk-proj-",
    "wJ4vX9pLq2T",
    Array.from({ length: 300 }, (_, line) => `${line}. line`).join("\n"),
    "192.168.100.110, 10.0.77.84, 2026-11-21 11:05:48, 100 101 102 104 108 116 116 108 104 102",
  ];
  for (const text of texts) {
    it(text.slice(0, 50).replaceAll("\n", "␤"), () => {
      assert.deepEqual(filter(text), { text, found: 0 });
    });
  }

  it("finds such a secret as a whole", () => {
    for (const secret of SECRETS) assert.equal(filter(`<${secret}>`).text, "<[redacted]>");
  });
});

describe("[SEC-R10] createSecretTail() › parts of secrets", () => {
  it("shows at most three letters of a growing part", () => {
    const tail = createSecretTail(SECRETS);
    const random = seeded(16);
    for (let run = 0; run < 500; run += 1) {
      const part = partOf(random.pick([TOKEN, KEY]), random);
      const text = `(${part.slice(0, random.between(1, 12))}`;
      assert.ok(lettersOf(text.slice(0, tail(text))).length <= 3, text);
    }
  });
});
