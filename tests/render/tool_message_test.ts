import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplyRules } from "../../src/render/reply.ts";
import { createSecretFilter } from "../../src/render/safety/secrets.ts";
import { composeToolMessage } from "../../src/render/tool_message.ts";
import { channelId, guildId, guildMessage, messageId } from "../support/discord/builders.ts";

const TOKEN = "MTQwMDAwMDAwMDAwMDAwMDAx.GabcDE.x-yz_0123456789abcdefghijklmno";
const filter = createSecretFilter([TOKEN]);
const RULES: ReplyRules = {
  chunks: { limit: 2_000, maxLines: 17, mode: "length", maxChunks: 12 },
  tables: "code",
  allowedMentions: { users: "context", roles: [] },
  replyToMode: "first",
  linkHosts: [],
  maxFileBytes: 8_000_000,
  cleanSecrets: (text) => filter(text).text,
};
const CHANNEL = channelId("1390000000000000077");
const message = guildMessage({ text: "Announce it" });

const compose = (text: string, fields: Partial<Parameters<typeof composeToolMessage>[0]> = {}) =>
  composeToolMessage({
    message,
    agentId: "main",
    callKey: "1:0:call_1",
    channelId: CHANNEL,
    guildId: guildId("1390000000000000009"),
    text,
    ...fields,
  }, RULES);

describe("[T3] composeToolMessage()", () => {
  it("is for the channel of the call, and replies where the model asks", () => {
    const [frozen] = compose("hello", { replyTo: messageId("1390000000000000070") }) ?? [];
    assert.equal(frozen?.message.channelId, CHANNEL);
    assert.equal(frozen?.message.guildId, "1390000000000000009");
    assert.equal(frozen?.message.quote, "1390000000000000070");
    assert.equal(frozen?.message.pings.quotedAuthor, false);
    assert.equal(frozen?.message.of?.kind, "tool");
  });

  it("has no server of the question's in a direct channel", () => {
    const [frozen] = compose("hello", { guildId: undefined }) ?? [];
    assert.equal(frozen?.message.guildId, undefined);
  });

  it("[D1] has the same nonces for the same call, and others for others", () => {
    const noncesOf = (callKey: string) =>
      compose("word ".repeat(1_000), { callKey })?.map(({ message: { nonce } }) => nonce) ?? [];
    const nonces = noncesOf("1:0:call_1");
    assert.ok(nonces.length > 1);
    assert.deepEqual(noncesOf("1:0:call_1"), nonces);
    assert.equal(new Set([...nonces, ...noncesOf("1:1:call_1")]).size, 2 * nonces.length);
    assert.ok(nonces.every((nonce) => nonce.length === 25));
  });

  it("is nothing if nothing in the text is for people", () => {
    assert.equal(compose("NO_REPLY"), undefined);
    assert.equal(compose("\u200b"), undefined);
  });
});

describe("[T3] the box below a text", () => {
  const embed = {
    title: `Key ${TOKEN}`,
    description: "See https://evil.example/?q=secret",
    fields: [{ name: "noon", value: "<@1> 3 m" }],
    footer: "f".repeat(3_000),
  };

  it("[SEC-R9] [SEC-R7] loses secrets and foreign links, and goes with the last part", () => {
    const parts = compose("word ".repeat(900), { embed }) ?? [];
    assert.ok(parts.length > 1);
    assert.deepEqual(parts.slice(0, -1).filter(({ message }) => message.embed), []);
    const box = parts.at(-1)?.message.embed;
    assert.doesNotMatch(JSON.stringify(box), new RegExp(TOKEN));
    assert.doesNotMatch(box?.description ?? "", /(?<![`<])https:/);
    assert.equal(box?.footer?.length, 2_048);
    assert.deepEqual(box?.fields, [{ name: "noon", value: "<@1> 3 m", inline: undefined }]);
  });

  it("loses invisible characters and small type, as its text does", () => {
    const text = "low\u200b ti\u{e0041}de\u202e 👩‍🚀\n-\u2060# ✓ done";
    const clean = "low tide 👩‍🚀\n✓ done";
    const [part] = compose(text, {
      embed: {
        title: text,
        description: text,
        fields: [{ name: text, value: text }],
        footer: text,
      },
    }) ?? [];
    const { title, description, fields, footer } = part?.message.embed ?? {};
    assert.equal(part?.message.content, clean);
    const { name, value } = fields?.[0] ?? {};
    assert.deepEqual([title, description, name, value, footer], Array(5).fill(clean));
  });

  it("[C3] [R2a] has clickable names and code as answers do", () => {
    const value = "ask @ada (123456789012345678)";
    const description = `${value}\n~~~\nx\n~~~`;
    const parts = compose("x", {
      embed: { title: value, description, fields: [{ name: value, value }] },
    });
    const { title, description: shown, fields } = parts?.at(-1)?.message.embed ?? {};
    assert.deepEqual([title, fields?.[0]?.name], [value, value], "Discord shows none there");
    assert.equal(fields?.[0]?.value, "ask <@123456789012345678>");
    assert.equal(shown, "ask <@123456789012345678>\n```\nx\n```");
  });

  it("is shown although its text has links of others", () => {
    const [frozen] = compose("see https://evil.example/a", { embed: { title: "x" } }) ?? [];
    assert.equal(frozen?.message.suppressesEmbeds, undefined);
    assert.ok(frozen?.message.embed);
  });
});

describe("[T3] a box without a text", () => {
  it("is a message of its own, which replies where the model asks", () => {
    for (const text of ["", " "]) {
      const replyTo = messageId("1390000000000000070");
      const parts = compose(text, { embed: { title: "Tides" }, replyTo }) ?? [];
      assert.equal(parts.length, 1);
      const { content, embed, quote, of: { kind } = {} } = parts[0]?.message ?? {};
      assert.deepEqual([content, embed?.title, quote, kind], ["", "Tides", replyTo, "tool"]);
    }
  });

  it("is nothing if the model writes that there is no reply", () => {
    assert.equal(compose("NO_REPLY", { embed: { title: "Tides" } }), undefined);
  });
});
