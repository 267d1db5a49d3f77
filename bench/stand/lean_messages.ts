/**
 * The lean Discord's messages: payloads of the simulator's own code. They are made once for each
 * channel and kind; later only id, time and text change.
 */

import { createdAtMs, type MessageId, type UserId } from "../../src/core/discord/ids.ts";
import { toDispatch } from "../../simulator/gateway/dispatches.ts";
import { type Payload, toMessage } from "../../simulator/payloads/payloads.ts";
import { nextId } from "../../simulator/world/snowflake.ts";
import type { Message, TextChannel } from "../../simulator/world/world.ts";
import type { LeanWorld } from "./lean_world.ts";

/** The fields of a request's body that its answer repeats. */
export interface CreateBody {
  readonly content?: string;
  readonly nonce?: string | number;
  readonly message_reference?: Readonly<Record<string, unknown>>;
}

export interface LeanMessages {
  /** @returns JSON of MESSAGE_CREATE's `d`. */
  say(channel: TextChannel, id: MessageId, text: string, mentionsBot: boolean): string;
  /** The bot's own message, for the answer of REST and for the gateway. */
  post(channel: TextChannel, id: MessageId, body: CreateBody): {
    readonly answered: string;
    readonly dispatched: string;
  };
}

const REPLY = 19;
const ALL_INTENTS = 0x1_ffff;

export function prepareMessages({ world, bot, person }: LeanWorld): LeanMessages {
  const viewer = { userId: bot.userId, intents: ALL_INTENTS, shard: [0, 1] as const };
  const mention = `<@${bot.userId}> `;
  const fixed = new Map<string, string>();

  /** The JSON behind id, type, time and content. */
  function fixedOf(
    kind: "ask" | "chat" | "echo" | "answer",
    channel: TextChannel,
    toPayload: () => Payload | undefined,
  ): string {
    const key = `${kind} ${channel.id}`;
    const known = fixed.get(key);
    if (known !== undefined) return known;
    const { id: _, type: __, timestamp: ___, content: ____, ...rest } = toPayload() ?? {};
    const text = JSON.stringify(rest).slice(1);
    fixed.set(key, text);
    return text;
  }
  const sample = (channel: TextChannel, userId: UserId, mentioned: readonly UserId[]): Message => ({
    id: nextId<"message">(world.ids, Date.now()),
    channelId: channel.id,
    author: { kind: "user", userId },
    content: "",
    pings: { everyone: false, users: mentioned, roles: [] },
    attachments: [],
    embeds: [],
    components: [],
    flags: 0,
    isTts: false,
    reactions: new Map(),
  });
  const dispatched = (message: Message): Payload | undefined =>
    toDispatch(world, { kind: "message_created", message }, viewer)?.d;

  return {
    say(channel, id, text, mentionsBot) {
      const rest = fixedOf(
        mentionsBot ? "ask" : "chat",
        channel,
        () => dispatched(sample(channel, person.id, mentionsBot ? [bot.userId] : [])),
      );
      return `{${headOf(id, 0, mentionsBot ? mention + text : text)}${rest}`;
    },
    post(channel, id, { content = "", nonce, message_reference: reference }) {
      const own = () => sample(channel, bot.userId, []);
      const echo = fixedOf("echo", channel, () => dispatched(own()));
      const answer = fixedOf("answer", channel, () => toMessage(world, own(), bot.userId));
      // The quoted message counts as deleted: nothing is kept here.
      const quote = reference
        ? `"message_reference":${JSON.stringify(reference)},"referenced_message":null,`
        : "";
      const nonceText = nonce === undefined ? "" : `"nonce":${JSON.stringify(nonce)},`;
      const head = `{${nonceText}${headOf(id, reference ? REPLY : 0, content)}${quote}`;
      return { answered: head + answer, dispatched: head + echo };
    },
  };
}

function headOf(id: MessageId, type: number, content: string): string {
  const at = new Date(createdAtMs(id)).toISOString();
  return `"id":"${id}","type":${type},"timestamp":"${at}","content":${JSON.stringify(content)},`;
}
