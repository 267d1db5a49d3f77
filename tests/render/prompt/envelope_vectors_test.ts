/**
 * Compares the model's input with recorded turns of OpenClaw.
 *
 * The form differs on purpose: Barnacle fences texts of people (H4). So each recorded fact must be
 * there, and each fact that Barnacle leaves out is listed with its reason.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partedText, toOverheard } from "../../../src/core/inbound/inbound.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { decodeMessage } from "../../../src/discord/gateway/decode/decode.ts";
import { applyDispatch } from "../../../src/discord/gateway/read/reader.ts";
import { envelopeOf } from "../../../src/render/prompt/prompt.ts";
import { ACCOUNT, messageId, overheard } from "../../support/discord/builders.ts";
import { messageData, SELF } from "../../support/discord/payloads.ts";
import { vectorsOf } from "../../support/discord/vectors.ts";

type Fields = Readonly<Record<string, unknown>>;

interface Author {
  readonly id: string;
  readonly username: string;
  readonly globalName?: string;
  readonly discriminator: string;
}

/** The input of a recorded turn. */
interface Turn {
  readonly channel: {
    readonly id: string;
    readonly type: number;
    readonly name?: string;
    readonly topic?: string;
    readonly parentId?: string;
  };
  readonly guild?: { readonly id: string; readonly name: string };
  readonly author: Author;
  readonly member?: { readonly nickname: string };
  readonly content: string;
  readonly ref?: { readonly id: string; readonly content: string; readonly author: Author };
  readonly history?: readonly { readonly sender: string; readonly body: string }[];
}

/** OpenClaw's context of a turn. */
interface Recorded {
  readonly ctx: {
    readonly RawBody: string;
    readonly SenderName: string;
    readonly SenderId: string;
    readonly SenderTag: string;
    readonly GroupSpace?: string;
    readonly ThreadLabel?: string;
    readonly UntrustedContext?: readonly string[];
  };
}

const toUser = ({ globalName, ...user }: Author): Fields => ({
  ...user,
  global_name: globalName ?? null,
});

/** The parent that the recorded turns give to threads and posts. */
const PARENTS: Readonly<Record<string, string>> = { "10": "general", "50": "ask-forum" };

function decodedTurn({ channel, guild, author, member, content, ref }: Turn): InboundMessage {
  const { parentId } = channel;
  const parent = { id: parentId, type: parentId === "50" ? 15 : 0, name: PARENTS[parentId ?? ""] };
  const d = {
    id: guild?.id,
    name: guild?.name,
    roles: [],
    channels: parentId ? [parent] : [channel],
    threads: parentId ? [{ ...channel, parent_id: parentId }] : [],
  };
  const index = guild
    ? applyDispatch(new Map(), { t: "GUILD_CREATE", s: 1, d }, SELF.userId).index
    : new Map();
  const event = decodeMessage(
    messageData({
      channel_id: channel.id,
      channel_type: channel.type,
      guild_id: guild?.id,
      author: toUser(author),
      member: guild ? { roles: [], nick: member?.nickname ?? null } : null,
      content,
      ...(ref && {
        type: 19,
        message_reference: { message_id: ref.id },
        referenced_message: { content: ref.content, author: toUser(ref.author) },
      }),
    }),
    { accountId: ACCOUNT, self: SELF, index },
  );
  assert.ok(event?.kind === "message");
  return event;
}

describe("[H3] a turn of OpenClaw 2026.2.9", () => {
  const { vectors, options } = vectorsOf<Turn, Recorded>(
    "seed-turn-context",
    "preflightDiscordMessage+processDiscordMessage",
  );
  it("has its facts in ours", options, () => {
    assert.ok(vectors.length > 8);
    for (const { name = "", input, expected: { ctx } } of vectors) {
      const history = (input.history ?? []).map(({ sender, body }, index) =>
        overheard({ messageId: messageId(`${900 + index}`), tag: sender, text: body })
      );
      const parts = envelopeOf({
        message: decodedTurn(input),
        overheard: history,
        overheardChars: 10_000,
        timezone: "UTC",
      });
      const { text } = partedText(parts, "k3f9q2zz");
      const has = (...facts: readonly (string | undefined)[]) => {
        for (const fact of facts) {
          if (fact !== undefined) assert.ok(text.includes(fact), `${name}: ${fact} in\n${text}`);
        }
      };
      has(ctx.RawBody, ctx.SenderName, ctx.SenderId, ctx.SenderTag, ctx.GroupSpace);
      has(input.channel.id, input.guild?.name, input.channel.name, input.channel.topic);
      has(PARENTS[input.channel.parentId ?? ""]);
      if (input.guild === null) has("direct message");
      has(input.ref?.content, input.ref?.author.username, input.ref?.author.id, input.ref?.id);
      for (const { sender, body } of input.history ?? []) has(sender, body, '"id":"900"');
    }
  });
});

interface Content {
  readonly content: string;
  readonly rawData?: Fields;
}

describe("[H3] [H9] a message of OpenClaw 2026.2.9", () => {
  const { vectors, options } = vectorsOf<[Content & Fields, Fields], string>(
    "seed-envelope-messages",
    "resolveDiscordMessageText",
  );

  /** The words of each recorded text, where ours differ. */
  const OURS: Readonly<Record<string, readonly string[]>> = {
    // Each file has a line of its own, with name, type and size (H7).
    "<media:image> (2 images)": ["a.png (image/png", "c.JPG ("],
    "<media:document> (1 file)": ["b.pdf (application/pdf"],
    // A text that a caller of OpenClaw passes in; Discord sends no such text.
    fb: [],
    // Discord tells no author of a forward.
    "[Forwarded message from @Bob B]\nforwarded hi": ["forward: forwarded hi"],
  };

  it("has its text in ours", options, () => {
    assert.ok(vectors.length > 6);
    for (const { input: [message], expected } of vectors) {
      const { rawData, ...content } = message;
      const files = (content["attachments"] ?? []) as readonly Fields[];
      const event = decodeMessage(
        messageData({
          ...content,
          ...rawData,
          attachments: files.map((file) => ({ size: 1, ...file })),
        }),
        { accountId: ACCOUNT, self: SELF, index: new Map() },
      );
      assert.ok(event?.kind === "message");
      const { text } = toOverheard(event);
      for (const fact of OURS[expected] ?? [expected]) assert.ok(text.includes(fact), text);
    }
  });
});

describe("[H3] the message that a reply of OpenClaw 2026.2.9 quotes", () => {
  const { vectors, options } = vectorsOf<
    {
      readonly message: {
        readonly referencedMessage?: {
          readonly id: string;
          readonly content: string;
          readonly author: Author;
        };
      };
    },
    string | null
  >("seed-envelope-messages", "resolveReplyContext");
  it("has its text, author and id in ours, with its time", options, () => {
    assert.ok(vectors.length > 1);
    for (const { input: { message: { referencedMessage: ref } }, expected } of vectors) {
      const channel = { id: "5", type: 0, name: "general" };
      const author = { id: "1", username: "ada", discriminator: "0" };
      const message = decodedTurn({
        channel,
        guild: { id: "2", name: "Friends" },
        author,
        content: "hi",
        ...(ref && { ref: { ...ref, id: "1468086452219904077" } }), // sent at 2026-02-03 04:05
      });
      const parts = envelopeOf({ message, overheard: [], overheardChars: 0, timezone: "UTC" });
      const { text } = partedText(parts, "k3f9q2zz");
      if (expected === null) assert.doesNotMatch(text, /quoted/);
      else {
        assert.match(text, /to: bob \(9\)\] \[discord message id: 1468086452219904077\]/);
        assert.match(text, /\[sent: \w{3} 2026-02-0\d \d\d:\d\d\]\n<quoted[^>]*>\norig text\n/);
      }
    }
  });
});
