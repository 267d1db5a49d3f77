import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { parseSnowflake } from "../../../../src/core/discord/ids.ts";
import type { Self } from "../../../../src/core/inbound/inbound.ts";
import { decodeMessage } from "../../../../src/discord/gateway/decode/decode.ts";
import { isPlainMessage, messagePayload } from "../../../../src/discord/gateway/decode/payloads.ts";
import { ACCOUNT, userId } from "../../../support/discord/builders.ts";

const self: Self = {
  userId: userId("5"),
  applicationId: parseSnowflake<"application">("6")!,
  username: "barnacle",
};
const context = { accountId: ACCOUNT, self, index: new Map() };

const PLAIN = {
  id: "1400000000000000001",
  type: 0,
  channel_id: "11",
  guild_id: "12",
  author: { id: "13", username: "ada", discriminator: "0", bot: false },
  member: { roles: ["14", "15"], nick: "A" },
  content: "hello <@5>",
  mentions: [{ id: "5", username: "barnacle" }],
  mention_roles: ["14"],
  attachments: [],
  embeds: [],
  nonce: "1",
  edited_timestamp: null,
  flags: 0,
};

/** Values of an unexpected shape. */
const odd = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(undefined, null, "", "13", "x", 0, 1, -1, true, [], {}) },
  fc.constantFrom([null], ["14"], [{}], [{ id: "5" }], [{ id: 5 }], ["007"], { id: "13" }),
  fc.constantFrom("18446744073709551615", "18446744073709551616", Infinity, "5", { roles: [] }),
  fc.jsonValue(),
);
const FIELDS = [
  ...Object.keys(messagePayload.unwrap().shape),
  "author.id",
  "author.username",
  "author.discriminator",
  "author.global_name",
  "member.nick",
  "author.bot",
  "author.system",
  "member.roles",
  "mentions.0",
  "why",
  "kind",
];

/** A plain message, or one with a few malformed fields. */
const aPayload = fc.array(fc.tuple(fc.constantFrom(...FIELDS), odd), { maxLength: 3 }).map(
  (changes) => {
    const payload: Record<string, unknown> = structuredClone(PLAIN);
    for (const [path, value] of changes) {
      const [name = "", inner] = path.split(".");
      const at = inner === undefined ? payload : payload[name];
      const copy = typeof value === "object" ? structuredClone(value) : value; // not an object itself
      if (typeof at === "object" && at !== null) Reflect.set(at, inner ?? name, copy);
    }
    return payload;
  },
);

it("[P1] isPlainMessage() › agrees with the schema, whichever fields are malformed", () => {
  let plain = 0;
  fc.assert(
    fc.property(aPayload, (payload) => {
      if (!isPlainMessage(payload)) return;
      plain++;
      const parsed = messagePayload.safeParse(payload);
      assert.ok(parsed.success, JSON.stringify(payload));
      assert.deepEqual(decodeMessage(payload, context), decodeMessage(parsed.data, context));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(plain > 500, `${plain} of them are plain`);
});
