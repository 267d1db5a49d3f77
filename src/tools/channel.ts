/**
 * Tools for the channel: `read_channel_history` reads or summarises earlier messages (T6), `recall`
 * finds those of this conversation that a summary has taken the place of, and `reply_in_thread`
 * answers in a thread.
 *
 * Nothing is read that the asker may not read (T4), or that the policy keeps from the asker (T5). The
 * messages pass the same policy as live ones.
 */

import type { Entry } from "../core/inbound/inbound.ts";
import { z } from "zod";
import { parseSnowflake } from "../core/discord/ids.ts";
import {
  type DiscordCall,
  type EarlierRange,
  shownLine,
  type ShownMessage,
} from "../core/turn/discord_place.ts";
import { badArguments, defineTool, type Tool, type ToolContext } from "../core/turn/tool.ts";
import { readsElsewhere } from "./discord/call_effects.ts";
import { FIELDS } from "./discord/actions/action.ts";
import { threadIdOf } from "../core/outbound/outbound.ts";

const input = () =>
  z.object({
    channelId: FIELDS.channelId.optional(),
    limit: z.int().min(1).max(500).default(50).describe("How many messages to read."),
    before: z.string().optional().describe(
      "Id of a message: reads only older messages. Without it, reads the newest ones before the question.",
    ),
    since: z.string().optional().describe(
      "Reads only messages from this time on, such as 2026-03-01 or 2026-03-01T14:00:00Z.",
    ),
    mode: z.enum(["auto", "raw", "summary"]).default("auto").describe(
      "raw: the messages. summary: a summary that cites their ids. auto: a summary if they are too long.",
    ),
    question: z.string().max(500).optional().describe("What the summary must answer."),
  });

/** Maximum UTF-16 units of messages in a result: the turn would cut a longer one. */
const RAW_CHARS = 7_000;
/** Maximum UTF-16 units of one message in a result, whose newest one always fits. */
const MESSAGE_CHARS = 6_500;

export const readChannelHistory: Tool = defineTool({
  name: "read_channel_history",
  group: "group:discord",
  short: {
    description: "Reads the newest messages of this channel, or those before a message id.",
    fields: ["limit", "before"],
  },
  description:
    "Reads earlier messages of this channel or thread, or of another one of this server, one JSON " +
    "object per line, oldest first. Summarises many messages, and cites the ids of those that " +
    "matter. To read further back, call it again with `before` set to the first id of the result.",
  input,
  gate: "messages",
  seenAt: "nowhere",
  needs: [], // the port checks those of the channel
  isPersonalCall: readsElsewhere,
  isReadOnly: true,
  isIdempotent: true,
  probe: ({ channelId, limit }, context) =>
    earlier({ ...context, isProbe: true }, { channelId, limit }),
  async run({ channelId, limit, before: written, since, mode, question }, context) {
    const before = written === undefined ? undefined : parseSnowflake<"message">(written);
    if (written !== undefined && before === undefined) {
      throw badArguments("`before` must be the id of a message: digits only");
    }
    const sinceMs = since === undefined ? undefined : Date.parse(since);
    if (sinceMs !== undefined && !Number.isFinite(sinceMs)) {
      throw badArguments("`since` must be a date or a time, such as 2026-03-01T14:00:00Z");
    }
    const messages = await earlier(context, { limit, channelId, before, sinceMs });
    if (messages.length === 0) return "There are no earlier messages that you may read.";
    const lines = messages.map(lineOf);
    const isShort = lines.join("\n").length <= RAW_CHARS;
    if (mode === "raw" || (mode === "auto" && isShort)) return newest(messages, lines);
    return await summarised(messages, lines, { mode, question }, context);
  },
});

async function earlier(call: DiscordCall, range: EarlierRange) {
  const { readEarlier } = await import("../flows/actions/history.ts");
  return await readEarlier(call, range);
}

async function summarised(
  messages: readonly ShownMessage[],
  lines: readonly string[],
  { mode, question }: Partial<z.infer<ReturnType<typeof input>>>,
  context: ToolContext,
): Promise<string> {
  try {
    const { summarise } = await import("../flows/session/summarise_channel.ts");
    const summary = await summarise(context, messages, question);
    context.noteRead?.(messages.map(({ id }) => id));
    const left = messages.length - summary.messages - summary.missing;
    const notes = [
      `summary of ${summary.messages} messages, from ${summary.first} to ${summary.last}, ` +
      "written by a model; ids of messages are in brackets",
      ...(summary.missing > 0 ? [`${summary.missing} messages between them are missing`] : []),
      ...(left > 0 ? [`${left} older messages are left out: use \`before\``] : []),
    ];
    return `[${notes.join("; ")}]\n${summary.text}`;
  } catch (error) {
    context.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    if (mode === "summary") throw new Error(`no summary: ${why}; the mode raw needs none`);
    return `[no summary: ${why}]\n${newest(messages, lines)}`;
  }
}

/** The newest lines that fit, oldest first. */
function newest(messages: readonly ShownMessage[], lines: readonly string[]): string {
  let chars = 0;
  const over = lines.findLastIndex((line) => (chars += line.length + 1) > RAW_CHARS) + 1;
  const first = Math.min(over, lines.length - 1); // the newest one always
  if (first === 0) return lines.join("\n");
  const note = `${first} older messages do not fit here: call again with \`before\` set to ` +
    `${messages[first]?.id}`;
  return `[${note}]\n${lines.slice(first).join("\n")}`;
}

function lineOf(message: ShownMessage): string {
  return shownLine(
    message,
    (text) =>
      text.length > MESSAGE_CHARS ? `${text.slice(0, MESSAGE_CHARS).toWellFormed()}…` : text,
  );
}

const threadInput = () =>
  z.object({ title: z.string().min(1).max(100).describe("Title of the thread, in a few words.") });

/** Opens a thread on the asked message. */
export const replyInThread: Tool = defineTool({
  name: "reply_in_thread",
  group: "group:discord",
  effect: () => ({ object: "thread", did: "opened" }),
  description:
    "Opens a thread on the message that you answer. Your answer then goes to the thread, and the " +
    "conversation continues there. Use it if people ask for a thread, or for a long discussion.",
  input: threadInput,
  gate: "threads",
  seenAt: "nowhere",
  needs: ["View Channel", "Create Public Threads", "Send Messages in Threads"],
  isIdempotent: true, // a message has one thread at most
  async run({ title }, { account, message, noteEffect }) {
    const { openAnswerThread } = await import("../flows/judging/answer_threads.ts");
    await openAnswerThread(account, message, title);
    const link = `<#${threadIdOf(message.id)}>`;
    noteEffect?.({ links: [link] });
    return `The thread ${link} is open. Your answer will be posted there.`;
  },
});

/** Maximum number of entries of a result, and UTF-16 units of it and of one entry in it. */
const ENTRIES_MAX = 40;
const RESULT_CHARS = 7_000;
const ENTRY_CHARS = 2_000;

const recallInput = () =>
  z.object({
    words: z.string().max(200).optional().describe(
      "Words that must all be in an entry, such as `tide noon`.",
    ),
    message_ids: z.array(z.string()).max(20).optional().describe(
      "Ids of messages: reads these and their answers.",
    ),
  });

/** Reads folded entries of the turn's session, which the asker's message belongs to, and no other. */
export const recall: Tool = defineTool({
  name: "recall",
  group: "group:memory",
  description:
    "Finds the original messages behind the <summary> of this conversation: by words, by message " +
    "ids, or the newest of them. One JSON object per line, oldest first. Only for this " +
    "conversation, and only if there is a <summary>.",
  input: recallInput,
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  async run({ words = "", message_ids: written = [] }, { account, sessionKey }) {
    const messageIds = written.map((text) => {
      const id = parseSnowflake<"message">(text);
      if (id === undefined) {
        throw badArguments("`message_ids` must be ids of messages: digits only");
      }
      return id;
    });
    const { entries, matches } = await account.store.sessions.recall(sessionKey, {
      messageIds,
      words: words.split(/\s+/).filter((word) => word !== ""),
      limit: ENTRIES_MAX,
    });
    const lines = newestLines(entries);
    if (lines.length === 0) {
      return "No folded message of this conversation matches. Messages without a summary are in " +
        "the conversation itself.";
    }
    const left = matches - lines.length;
    return left === 0
      ? lines.join("\n")
      : `[${left} older matches are left out: use more exact words, or message_ids]\n${
        lines.join("\n")
      }`;
  },
});

/** The newest lines that fit, oldest first. */
function newestLines(entries: readonly Entry[]): readonly string[] {
  const lines = entries.map(recalledLine);
  let chars = 0;
  const first = lines.findLastIndex((line) => (chars += line.length + 1) > RESULT_CHARS) + 1;
  return lines.slice(first);
}

function recalledLine({ role, text, messageId, at }: Entry): string {
  return JSON.stringify({
    message_id: messageId,
    role,
    at: new Date(at).toISOString(),
    text: text.length > ENTRY_CHARS ? `${text.slice(0, ENTRY_CHARS).toWellFormed()}…` : text,
  });
}
