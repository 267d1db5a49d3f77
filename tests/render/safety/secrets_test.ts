import assert from "node:assert/strict";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { createSecretFilter, createSecretTail } from "../../../src/render/safety/secrets.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { lettersOf } from "../../../src/render/safety/secret_forms.ts";

const TOKEN = "MTQwMDAwMDAwMDAwMDAwMDAx.GabcDE.x-yz_0123456789abcdefghijklmno";
const KEY = "sk-proj-AbC123_xyZ-987654321";
const PASSWORD = "correct horse battery staple!";
const SECRETS = [TOKEN, KEY, PASSWORD];

const filter = createSecretFilter(SECRETS);
const cleaned = (text: string) => filter(text).text;
const codes = (text: string) => [...Buffer.from(text)];
const hex = (text: string) => Buffer.from(text).toString("hex");
const reversed = (text: string) => [...text].reverse().join("");
const each = (text: string, write: (byte: number) => string, between = "") =>
  codes(text).map(write).join(between);

type Spell = (secret: string, random: Seeded) => string;

/** Encodings by kind, in the spellings that a model invents when a person asks nicely. */
const SPELLINGS: Readonly<Record<string, readonly Spell[]>> = {
  plain: [
    (secret) => secret,
    (secret) => secret.toUpperCase(),
    (secret) => [...secret].join(" "),
    (secret) => [...secret].join("\u200b"),
    (secret) => [...secret].join("-"),
    (secret) => [...secret].map((character) => `**${character}**`).join(""),
    (secret, { between }) => {
      const at = between(1, secret.length - 1);
      return `${secret.slice(0, at)}\n\`\`\`\n\n\`\`\`\n${secret.slice(at)}`;
    },
    (secret) => reversed(secret),
    (secret) => reversed(secret).replace(/(.{4})/g, "$1 "),
  ],
  encoded: [
    (secret) => Buffer.from(secret).toString("base64"),
    (secret) => Buffer.from(secret).toString("base64url"),
    (secret, { between }) => Buffer.from("x".repeat(between(1, 9)) + secret).toString("base64"),
    (secret, { between }) => Buffer.from(secret + "?".repeat(between(1, 9))).toString("base64"),
    (secret, { between }) =>
      Buffer.from(`key=${secret}${";".repeat(between(0, 3))}`).toString("base64")
        .replace(/(.{7})/g, "$1\n"),
    (secret) => Buffer.from(reversed(secret)).toString("base64"),
    (secret) => reversed(Buffer.from(secret).toString("base64")),
  ],
  hexadecimal: [
    (secret) => hex(secret),
    (secret) => hex(secret).toUpperCase(),
    (secret) => each(secret, (byte) => byte.toString(16).padStart(2, "0"), ":"),
    (secret) => each(secret, (byte) => `0x${byte.toString(16)}`, ", "),
    (secret) => each(secret, (byte) => `\\x${byte.toString(16)}`),
    (secret) => each(secret, (byte) => `\\u00${byte.toString(16)}`),
    (secret) => each(secret, (byte) => `%${byte.toString(16)}`),
    (secret) => each(secret, (byte) => `%25${byte.toString(16)}`),
    (secret) => each(secret, (byte) => `&#${byte};`),
    (secret) => encodeURIComponent(secret),
    (secret, { random }) =>
      each(secret, (byte) => random() < 0.5 ? `%${byte.toString(16)}` : String.fromCharCode(byte)),
    (secret) => hex(reversed(secret)),
    (secret) => reversed(hex(secret)),
  ],
};

describe("[SEC-R10] createSecretFilter() › secrets", () => {
  for (const [kind, spellings] of Object.entries(SPELLINGS)) {
    for (const [index, spell] of spellings.entries()) {
      it(`${kind}, ${index + 1}: ${spell("Ab-1", seeded(1)).replace(/\s/g, "␣")}`, () => {
        for (const secret of SECRETS) {
          const { text, found } = filter(`before ${spell(secret, seeded(7))} behind`);
          assert.ok(found >= 1, text);
          assert.match(text, /^before [^]{0,9}\[redacted\][^]{0,12} behind$/);
        }
      });
    }
  }

  it("finds 10,000 encodings of three kinds at any position", () => {
    const random = seeded(2_026);
    const kinds = Object.values(SPELLINGS);
    const filler = "The tide rises at six, falls at noon (mostly), and costs 100% nothing. ";
    for (let run = 0; run < 10_000; run += 1) {
      const secret = random.pick(SECRETS);
      const spelled = random.pick(random.pick(kinds))(secret, random);
      const before = filler.slice(0, random.upTo(filler.length));
      const text = `${before} ${spelled} ${filler}`;
      const clean = cleaned(text);
      assert.ok(clean.includes("[redacted]"), spelled);
      assert.ok(clean.length < text.length - spelled.length + 40, `${spelled} leaves ${clean}`);
      assert.equal(cleaned(clean), clean);
    }
  });

  it("finds a secret that a cut would split, because it filters before the cut", () => {
    const text = "a".repeat(1_990) + " " + TOKEN;
    assert.equal(cleaned(text), "a".repeat(1_990) + " [redacted]");
  });

  it("finds all adjacent secrets", () => {
    assert.deepEqual(filter(`${TOKEN} ${KEY}${KEY}`), {
      text: "[redacted] [redacted][redacted]",
      found: 3,
    });
  });

  it("removes a secret within another one", () => {
    const within = createSecretFilter(["abcdefgh12345678", "efgh12345678ijkl"]);
    assert.equal(within("x abcdefgh12345678ijkl y").text, "x [redacted] y");
    const inner = createSecretFilter(["abcdefgh12345678ijkl", "bcdefgh1"]);
    assert.deepEqual(inner("x abcdefgh12345678ijkl y"), { text: "x [redacted] y", found: 1 });
  });
});

describe("[SEC-R10] createSecretFilter() › other texts", () => {
  const texts = [
    "hello",
    "",
    "a correct horse, and a battery: staple them",
    "sk-proj-AbC12",
    "MTQwMDAwMDAwMDAwMDAwMDAx",
    "%73%6b-proj 100% \\x41 &#65; 0x41",
    "😀".repeat(500),
  ];
  for (const text of texts) {
    it(JSON.stringify(text.slice(0, 40)), () => assert.deepEqual(filter(text), { text, found: 0 }));
  }

  it("leaves any text unchanged without secrets", () => {
    assert.deepEqual(createSecretFilter([])(TOKEN), { text: TOKEN, found: 0 });
    assert.deepEqual(createSecretFilter(["", "abc"])("abc"), { text: "abc", found: 0 });
  });
});

describe("[SEC-R10] createSecretFilter() › short secrets", () => {
  const short = createSecretFilter(["hunter2", "pä$$", "p4ss"]);
  const cases: readonly [text: string, clean: string][] = [
    ["it is hunter2.", "it is [redacted]."],
    ["**hunter2**", "**[redacted]**"],
    ["hunter22", "hunter22"],
    ["bunter2, hunter", "bunter2, hunter"],
    ["HUNTER2", "HUNTER2"],
    ["p4ssport p4ss", "p4ssport [redacted]"],
    ["pä$$", "[redacted]"],
    [hex("hunter2"), "[redacted]"],
  ];
  for (const [text, clean] of cases) {
    it(`${text}: ${clean}`, () => assert.equal(short(text).text, clean));
  }
});

const SECRET = "MTQwMDAwMDAw.Gx7k2P.s3cr3t-t0ken_0f_th3_b0t";
const tail = createSecretTail([SECRET, "an0ther-secret-9"]);
const heldBack = (text: string) => text.slice(tail(text));

describe("[R8] createSecretTail()", () => {
  const cases: readonly [what: string, text: string, held: string][] = [
    ["words", "The weather is fine", ""],
    ["a beginning of three letters", "My name is MTQ", ""],
    ["a beginning of four", "It is MTQw", "MTQw"],
    ["the beginning of another one", "It is an0ther-se", "an0ther-se"],
    ["a beginning with dashes between", "It is M-T-Q-w-M", "M-T-Q-w-M"],
    ["a beginning over lines", "It is MTQ\nwMD", "MTQ\nwMD"],
    ["what began as one", "It is MTQwMD, or not", ""],
    ["a beginning backwards", `It is ${[...SECRET].reverse().join("").slice(0, 9)}`, "t0b_3ht_f"],
    ["escapes", "It is %4d%54%51%77", "%4d%54%51%77"],
    ["nothing", "", ""],
  ];
  for (const [what, text, held] of cases) {
    it(`${what}: ${JSON.stringify(text)}`, () => assert.equal(heldBack(text), held));
  }

  it("finds nothing without secrets", () => {
    assert.equal(createSecretTail([])("MTQwMD"), 6);
  });

  const spellings: readonly [name: string, spell: (text: string) => string][] = [
    ["plain", (text) => text],
    ["upper case", (text) => text.toUpperCase()],
    ["hex", (text) => Buffer.from(text).toString("hex")],
    ["spaced hex", (text) => Buffer.from(text).toString("hex").replace(/../g, "$& ")],
    ["backwards", (text) => [...text].reverse().join("")],
    ["spaced", (text) => [...text].join(" ")],
    ["percent", (text) => text.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)],
  ];
  for (const [name, spell] of spellings) {
    it(`[R10] shows at most three letters of a growing secret: ${name}`, () => {
      const whole = spell(SECRET).trimEnd();
      const most = lettersOf(spell("abc")).length;
      fc.assert(
        fc.property(fc.nat(whole.length - 1), fc.lorem(), (count, before) => {
          const text = `${before} ${whole.slice(0, count)}`;
          const shown = text.slice(0, tail(text));
          assert.ok(lettersOf(shown.slice(before.length)).length <= most, shown);
        }),
      );
    });
  }

  it("[R10] also in base64, after any text in the same block", () => {
    fc.assert(
      fc.property(fc.nat(2), fc.nat(40), (before, count) => {
        const whole = Buffer.from("x".repeat(before) + SECRET).toString("base64");
        const shown = whole.slice(0, tail(whole.slice(0, count)));
        assert.ok(shown.length <= 4 + 3, shown);
      }),
    );
  });
});
