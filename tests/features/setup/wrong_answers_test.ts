/** Each answer of a setup has its table of wrong inputs, with the words that a person sees. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tokenFault } from "../../../src/features/setup/ask_bot.ts";
import {
  addressFault,
  keyFault,
  ollamaUrl,
  readLimit,
} from "../../../src/features/setup/ask_model.ts";

const HELP =
  "get the bot token in Discord's developer portal, under your application, Bot, Reset Token.";
const TOKEN = "MTQ5ODAwMDAwMDAwMDAwMDAw.GabcDe.abcdefghijklmnopqrstuvwxyz0123456789ab";

describe("[O3] tokenFault()", () => {
  const wrong: readonly (readonly [typed: string, words: string])[] = [
    ["", "No text came. Copy the token again, and paste it here."],
    ["Bot ", `The token is empty: write the secret there.`],
    [
      "https://discord.com/api/webhooks/1/abc",
      `The token is the URL of a webhook, and no bot token: ${HELP}`,
    ],
  ];
  for (const [typed, words] of wrong) {
    it(`refuses ${JSON.stringify(typed)}`, () => assert.equal(tokenFault(typed, {}), words));
  }

  const right = [
    TOKEN,
    ` ${TOKEN}\n`,
    `Bot ${TOKEN}`,
    `"${TOKEN}"`,
    `DISCORD_BOT_TOKEN=${TOKEN}`,
    `export DISCORD_BOT_TOKEN='${TOKEN}'`,
  ];
  for (const typed of right) {
    it(`takes ${JSON.stringify(typed).replace(TOKEN, "TOKEN")}`, () => {
      assert.equal(tokenFault(typed, {}), undefined);
    });
  }

  it("refuses a webhook and a user's token at another server, too", () => {
    const env = { DISCORD_API_URL: "http://127.0.0.1:1" };
    assert.match(tokenFault("mfa.abcdefghijklmnopqrstuvwxyz", env) ?? "", /user account/);
    assert.equal(tokenFault("abcdefghijklmnopqrstuvwxyz012345", env), undefined);
  });
});

describe("[O3] readLimit()", () => {
  const NO_AMOUNT = "This is no amount. Write dollars, such as 2.00, or 1000000 tokens, or none";
  const wrong: readonly (readonly [typed: string, problem: string])[] = [
    ["", NO_AMOUNT],
    ["two", NO_AMOUNT],
    ["-2", NO_AMOUNT],
    ["2 per day", NO_AMOUNT],
    ["0", "With 0 the bot would never answer. For no limit, write none"],
    ["5000000", "The limit can be at most 1,000,000"],
    ["0 tokens", "Give a number of tokens above 0, such as 1000000 tokens"],
  ];
  for (const [typed, problem] of wrong) {
    it(`refuses ${JSON.stringify(typed)}`, () =>
      assert.deepEqual(readLimit(typed, true), { problem }));
  }

  const right: readonly (readonly [typed: string, kind: string, perDay?: number])[] = [
    ["2", "money", 2],
    ["$2.00", "money", 2],
    ["1,50", "money", 1.5],
    ["2 USD", "money", 2],
    ["none", "none"],
    ["1,000,000 tokens", "tokens", 1_000_000],
  ];
  for (const [typed, kind, perDay] of right) {
    it(`reads ${typed}`, () => {
      const limit = perDay === undefined ? { kind } : { kind, perDay };
      assert.deepEqual(readLimit(typed, true), { limit });
    });
  }
});

describe("[O3] addressFault() and keyFault()", () => {
  const address = "This is no http or https address, such as http://192.168.1.5:8000/v1";
  const wrong: readonly (readonly [typed: string, words: string])[] = [
    ["", address],
    ["a box", address],
    ["ftp://host/v1", address],
    ["http://me:pass@host/v1", "Leave name and password out of the address; setup asks for a key"],
  ];
  for (const [typed, words] of wrong) {
    it(`refuses the address ${JSON.stringify(typed)}`, () => {
      assert.equal(addressFault(typed), words);
    });
  }
  const keys: readonly (readonly [typed: string, words: string])[] = [
    ["", "No text came. Copy the key again, and paste it here"],
    ["sk-a b", "A key has no spaces and line breaks. Copy it again, without other words"],
    ["sk-…abc", "A key has plain characters only. Copy it again"],
  ];
  for (const [typed, words] of keys) {
    it(`refuses the key ${JSON.stringify(typed)}`, () => assert.equal(keyFault(typed), words));
  }
});

describe("[O3] ollamaUrl()", () => {
  const cases: readonly (readonly [host: string | undefined, url: string | undefined])[] = [
    [undefined, undefined],
    ["", undefined],
    ["0.0.0.0", "http://127.0.0.1:11434/v1"],
    ["192.168.1.5:11500", "http://192.168.1.5:11500/v1"],
    ["http://box:11434", "http://box:11434/v1"],
    ["https://ollama.example", "https://ollama.example/v1"],
    ["not a host", undefined],
  ];
  for (const [host, url] of cases) {
    it(`reads ${host}`, () => assert.equal(ollamaUrl({ OLLAMA_HOST: host }), url));
  }
});
